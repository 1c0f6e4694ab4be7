package gpu

import (
	"math"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// ProfileQuantity is a quantity that the driver computes from two samples of a GPU's performance
// counters (GPM, since Hopper).
type ProfileQuantity int

// The quantities. Those before ProfilePCIeTransmitted and those of engines are fractions, the
// others traffic. The last three exist once for each engine: ProfileDecoder+2 is the third decoder.
const (
	ProfileGraphics ProfileQuantity = iota // anything
	ProfileSM
	ProfileOccupancy
	ProfileTensor
	ProfileFP64
	ProfileFP32
	ProfileFP16
	ProfileInteger
	ProfileMemoryBandwidth
	ProfilePCIeTransmitted
	ProfilePCIeReceived
	ProfileNVLinkTransmitted
	ProfileNVLinkReceived
	ProfileDecoder
	ProfileJPEG       = ProfileDecoder + ProfileDecoders
	ProfileOFA        = ProfileJPEG + ProfileJPEGs
	profileQuantities = ProfileOFA + ProfileOFAs
)

// How many engines the driver can report.
const (
	ProfileDecoders = 8
	ProfileJPEGs    = 8
	ProfileOFAs     = 2
)

// ProfileSample is what the driver reports for the time between two samples, in percent and in MiB
// per second. What the GPU does not support is absent.
type ProfileSample struct {
	Elapsed time.Duration
	Values  [profileQuantities]reading.Value[float64]
}

// Profile holds the means over a window: fractions (0 to 1), and bytes per second.
type Profile [profileQuantities]reading.Value[float64]

const (
	mebibyte = 1 << 20
	// The fractions are quotients of counters that are not read at exactly the same time.
	profilePercentLimit = 101
	// 100 TiB per second is far above any link.
	profileTrafficLimit = 100 << 20
)

// isTraffic reports whether a quantity is traffic rather than a fraction.
func (q ProfileQuantity) isTraffic() bool {
	return q >= ProfilePCIeTransmitted && q < ProfileDecoder
}

// plausibleProfile drops implausible values, and reports whether there were none.
func plausibleProfile(s ProfileSample) (p Profile, plausible bool) {
	plausible = s.Elapsed > 0
	for q, v := range s.Values {
		switch isTraffic := ProfileQuantity(q).isTraffic(); {
		case !v.Known || s.Elapsed <= 0:
		case math.IsNaN(v.V) || v.V < 0 || isTraffic && v.V > profileTrafficLimit || !isTraffic && v.V > profilePercentLimit:
			plausible = false
		case isTraffic:
			p[q] = reading.Known(v.V * mebibyte)
		default:
			p[q] = reading.Known(min(v.V/100, 1))
		}
	}
	return p, plausible
}

// profileWindow is the running window of one GPU or MIG device. The GPU's worker adds samples,
// Collect reads.
type profileWindow struct {
	mu   sync.Mutex
	sums [profileQuantities]struct{ weighted, seconds float64 }
	any  bool
}

func (w *profileWindow) add(p *Profile, speaksFor time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for q, v := range p {
		if v.Known {
			w.sums[q].weighted += v.V * speaksFor.Seconds()
			w.sums[q].seconds += speaksFor.Seconds()
			w.any = true
		}
	}
}

// collect returns the means, or nil for an empty window. It starts a new one if reset.
func (w *profileWindow) collect(reset bool) *Profile {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.any {
		return nil
	}
	var p Profile
	for q, s := range w.sums {
		if s.seconds > 0 {
			p[q] = reading.Known(rounded(s.weighted / s.seconds))
		}
	}
	if reset {
		clear(w.sums[:])
		w.any = false
	}
	return &p
}

// readProfile reads the profile since the previous pass. readMIGDevice does so for MIG devices.
func (g *acquiredGPU) readProfile(s *shared) {
	if !s.profile {
		return
	}
	g.ask(fieldProfile, func() error {
		plausible, err := profileOf(g.handle, &g.usage.profile)
		if err != nil {
			return err
		}
		return errIfImplausible(plausible)
	})
}

func profileOf(h Handle, window *profileWindow) (plausible bool, err error) {
	sample, err := h.Profile()
	if err != nil {
		return true, err
	}
	p, plausible := plausibleProfile(sample)
	window.add(&p, sample.Elapsed)
	return plausible, nil
}
