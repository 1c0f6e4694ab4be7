package gpu

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Drivers return sentinels (2^32-1, 2^64-1, 9223372036854775794), zeros (Jetson) and the content of
// uninitialized structs with a code of success. The limits are far above any hardware, and far
// below any sentinel.
const (
	// The die of a GPU that answers is warmer than 0 degrees and shuts down below 130.
	temperatureLimit = 150
	// A whole GB200 board draws 2.7 kW.
	powerLimitMilliwatts = 20_000_000
	// 10 kW for ten years.
	energyLimitMillijoules = 3_200_000_000_000_000
	memoryLimitBytes       = 1 << 50
	nameLimit              = 96
)

// fraction converts percent to 0 to 1. Values above 100 mean unknown (255), or are a known defect
// of the driver's sample buffer.
func fraction(percent float64) (float64, bool) {
	if math.IsNaN(percent) || percent < 0 || percent > 100 {
		return 0, false
	}
	return percent / 100, true
}

func plausibleMemory(m Memory) (used, total reading.Value[int64]) {
	if m.Total == 0 || m.Total > memoryLimitBytes {
		return used, total
	}
	total = reading.Known(int64(m.Total))
	if m.Used <= m.Total {
		used = reading.Known(int64(m.Used))
	}
	return used, total
}

func plausibleTemperature(celsius int) reading.Value[float64] {
	if celsius <= 0 || celsius > temperatureLimit {
		return reading.Value[float64]{}
	}
	return reading.Known(float64(celsius))
}

func plausiblePower(milliwatts uint32) reading.Value[float64] {
	if milliwatts == 0 || milliwatts > powerLimitMilliwatts {
		return reading.Value[float64]{}
	}
	return reading.Known(float64(milliwatts) / 1000)
}

// Zero is plausible: the counter starts there when the driver is loaded.
func plausibleEnergy(millijoules uint64) reading.Value[float64] {
	if millijoules > energyLimitMillijoules {
		return reading.Value[float64]{}
	}
	return reading.Known(float64(millijoules) / 1000)
}

// plausibleIdentity empties fields that are not valid UTF-8, because attributes must be, and
// reports whether there were none.
func plausibleIdentity(id Identity) (Identity, bool) {
	plausible := true
	for _, text := range []*string{&id.UUID, &id.Name, &id.PCIAddress, &id.VBIOSVersion} {
		given := strings.TrimSpace(*text) != ""
		*text = plausibleText(*text)
		plausible = plausible && (*text != "" || !given)
	}
	return id, plausible
}

func plausibleText(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > nameLimit || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// rowLimit is far beyond the spare rows of any GPU (512 for each bank of an A100).
const rowLimit = 1 << 24

func plausibleRows(r Rows) bool {
	return r.Corrected >= 0 && r.Corrected <= rowLimit && r.Uncorrected >= 0 && r.Uncorrected <= rowLimit
}

const (
	// Fans may exceed their nominal speed; none does so twice.
	fanPercentLimit = 200
	rpmLimit        = 50_000
)

// plausibleFan converts the speed of a fan, and reports whether the whole answer is plausible.
func plausibleFan(f FanSpeed) (fan Fan, plausible bool) {
	if f.Percent <= fanPercentLimit {
		fan.Ratio = reading.Known(float64(f.Percent) / 100)
	}
	// A fan that stands still has 0 for both. If only RPM is 0, it is unknown.
	if f.RPM <= rpmLimit && (f.RPM > 0 || f.Percent == 0) {
		fan.RPM = reading.Known(int64(f.RPM))
	}
	return fan, f.Percent <= fanPercentLimit && f.RPM <= rpmLimit
}
