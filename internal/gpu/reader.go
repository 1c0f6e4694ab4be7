package gpu

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/pci"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// field is a reading that a GPU may not support.
type field int

const (
	fieldMemory field = iota
	fieldTemperature
	fieldPower
	fieldEnergy
	// The utilization of task i is fieldPoll+i, its sample buffer fieldBuffer+i.
	fieldPoll
	fieldBuffer = fieldPoll + field(len(tasks))
	// The quantity q is fieldNumber+q.
	fieldNumber   = fieldBuffer + field(len(tasks))
	fieldContexts = fieldNumber + field(quantities) + iota
	fieldProcessSamples
	fieldMIG
	fieldRows
	fieldEncoder
	fieldBAR1
	fieldProfile
	// The fan i is fieldFan+i.
	fieldFan
	fields = fieldFan + fanLimit
)

// passResult is the result of one pass over one GPU.
type passResult struct {
	// device has no utilization, which is in the windows, and no identity until one was read.
	device Device
	// migDevices are those of the GPU.
	migDevices []Device
	// skipped means that the GPU is not selected.
	skipped bool
	// err is why the device cannot be read.
	err error
}

// failed returns a result without readings.
func failed(id Identity, err error) passResult {
	health, reason := deviceHealth(err)
	return passResult{device: Device{Identity: id, Health: health, Reason: reason}, err: err}
}

// shared is the state that the workers of all GPUs share.
type shared struct {
	interval   time.Duration
	nvlink     bool
	profile    bool
	usages     usages
	identities identities
	xids       *xid.Counter
	selection  selection
	bus        pci.Bus
	// listings counts how often the list of GPUs was made anew.
	listings atomic.Int64
}

// reader reads one GPU. Only the goroutine of the GPU's worker uses it.
type reader struct {
	*shared
	session *sharedSession
	index   int
	// listing is shared.listings when the handle was acquired.
	listing int64

	retry backoff.Backoff
	last  passResult
	// watchAt is when the registration for XIDs is retried.
	watchAt time.Time
	// identified is set as soon as the identity was read, because the first pass may never end.
	identified atomic.Pointer[Identity]
	// gpu is the state since the handle was acquired; nil without a handle.
	gpu *acquiredGPU
}

// acquiredGPU is a GPU with a handle and an identity.
type acquiredGPU struct {
	handle   Handle
	identity Identity
	usage    *usage
	support  [fields]support
	// mig is whether MIG mode is on; unknown before the first answer.
	mig       reading.Value[bool]
	buffers   [len(tasks)]sampleBuffer
	processes processFollower
	polledAt  time.Time
	// counted are the counters that were read through this handle, energy is its last value of
	// energy: only a decrease within one handle is implausible.
	counted [QuantityNVLinkReceived + 1]bool
	energy  uint64
	// due is when a tier is read again, kept is what it read last.
	due  [static + 1]time.Time
	kept struct {
		energy    reading.Value[float64]
		numbers   [quantities]reading.Value[uint64]
		contexts  reading.Value[[]ProcessMemory]
		rows      reading.Value[Rows]
		encoder   reading.Value[Encoder]
		bar1Used  reading.Value[int64]
		bar1Total reading.Value[int64]
		fans      []Fan
		sampled   time.Time
		activity  map[int]float64
	}
	migDevices []Device

	// The fields below belong to the current pass, which began at now.
	now      time.Time
	answered bool
	err      error
	fatal    error
	failed   []failedCall
}

// read makes one pass. After an error that ends the handle, the GPU is acquired again with backoff.
// So it is when the list of GPUs was made anew during a pass: the index may be that of another GPU,
// and what this one did not support may be supported now.
func (r *reader) read(now time.Time) passResult {
	if listing := r.listings.Load(); listing != r.listing {
		r.listing, r.gpu, r.last.skipped = listing, nil, false
		r.retry.Reset()
	}
	if r.last.skipped {
		return r.last
	}
	if r.bus.Suspended(r.last.device.PCIAddress) {
		r.last = passResult{device: Device{Identity: r.last.device.Identity, Health: HealthOK, Suspended: true}}
		return r.last
	}
	if r.gpu == nil {
		if !r.retry.Ready(now) {
			return r.last
		}
		gpu, err := r.acquire()
		if err != nil {
			return r.fail(now, err)
		}
		if gpu == nil {
			return r.last
		}
		r.gpu = gpu
	}
	r.identify(now)
	device := r.gpu.pass(now, r.shared)
	if r.gpu.fatal != nil {
		return r.fail(now, r.gpu.fatal)
	}
	r.retry.Reset()
	if r.gpu.err != nil && !r.gpu.answered {
		r.last = failed(r.gpu.identity, r.gpu.err)
		return r.last
	}
	if !now.Before(r.watchAt) {
		if r.session.watch(r.gpu.handle, r.gpu.identity.UUID, r.xids) {
			r.watchAt = now.Add(rareInterval)
		}
	}
	r.last = passResult{device: device, migDevices: r.gpu.migDevices}
	return r.last
}

func (r *reader) fail(now time.Time, err error) passResult {
	r.retry.Failed(now)
	r.last = failed(r.last.device.Identity, err)
	r.gpu = nil
	return r.last
}

// acquire acquires a handle and reads the identity. It returns nil without an error if the GPU is
// not selected.
func (r *reader) acquire() (*acquiredGPU, error) {
	if !r.selection.selectsIndex(r.index) {
		r.last = passResult{skipped: true, device: Device{Identity: Identity{Index: r.index}}}
		return nil, nil
	}
	handle, err := r.session.Handle(r.index)
	if err != nil {
		return nil, fmt.Errorf("find gpu %d: %w", r.index, err)
	}
	id, err := handle.Identity()
	if err != nil {
		return nil, fmt.Errorf("identify gpu %d: %w", r.index, err)
	}
	id, plausible := plausibleIdentity(id)
	id.Index = r.index
	if id.UUID == "" {
		return nil, fmt.Errorf("identify gpu %d: %w", r.index, errNoUUID)
	}
	if !r.selection.selects(id) {
		r.last = passResult{skipped: true, device: Device{Identity: id}}
		return nil, nil
	}
	r.identified.Store(&id)
	g := &acquiredGPU{handle: handle, identity: id, usage: r.usages.of(id.UUID)}
	if !plausible {
		g.usage.implausible.add(GroupIdentity)
	}
	return g, nil
}

// identify makes the GPU's identity unique when another GPU reports the same UUID.
func (r *reader) identify(now time.Time) {
	g := r.gpu
	id := g.identity
	id.UUID = r.identities.identify(driverUUID(id.UUID), id.PCIAddress, now)
	if id == g.identity {
		return
	}
	g.identity, g.usage = id, r.usages.of(id.UUID)
	g.usage.implausible.add(GroupIdentity)
	r.identified.Store(&id)
	r.watchAt = time.Time{}
}

var errNoUUID = errors.New("the driver reports no usable uuid")
