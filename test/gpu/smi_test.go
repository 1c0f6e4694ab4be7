//go:build gpu

package gpu

import (
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// compared is a reading, the field of nvidia-smi for it, and the factor between their units.
type compared struct {
	query string
	unit  float64
	ours  func(*gpu.Device) reading.Value[float64]
}

func whole(of func(*gpu.Device) reading.Value[int64]) func(*gpu.Device) reading.Value[float64] {
	return func(d *gpu.Device) reading.Value[float64] {
		v := of(d)
		return reading.Value[float64]{V: float64(v.V), Known: v.Known}
	}
}

func counted(kind gpu.ErrorKind) func(*gpu.Device) reading.Value[float64] {
	return whole(func(d *gpu.Device) reading.Value[int64] { return d.Errors[kind] })
}

const (
	mib = 1 << 20
	mhz = 1e6
)

// parity lists the fields of nvidia-smi (nvidia-smi --help-query-gpu).
var parity = []compared{
	{"memory.total", mib, whole(func(d *gpu.Device) reading.Value[int64] { return d.MemoryTotal })},
	{"memory.used", mib, whole(func(d *gpu.Device) reading.Value[int64] { return d.MemoryUsed })},
	{"temperature.gpu", 1, func(d *gpu.Device) reading.Value[float64] { return d.Temperature }},
	{"temperature.memory", 1, func(d *gpu.Device) reading.Value[float64] { return d.MemoryTemperature }},
	{"power.draw", 1, func(d *gpu.Device) reading.Value[float64] { return d.Power }},
	{"enforced.power.limit", 1, func(d *gpu.Device) reading.Value[float64] { return d.PowerLimits.Enforced }},
	{"power.default_limit", 1, func(d *gpu.Device) reading.Value[float64] { return d.PowerLimits.Default }},
	{"power.min_limit", 1, func(d *gpu.Device) reading.Value[float64] { return d.PowerLimits.Minimum }},
	{"power.max_limit", 1, func(d *gpu.Device) reading.Value[float64] { return d.PowerLimits.Maximum }},
	{"clocks.gr", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.Clocks.Graphics })},
	{"clocks.sm", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.Clocks.SM })},
	{"clocks.mem", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.Clocks.Memory })},
	{"clocks.video", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.Clocks.Video })},
	{"clocks.max.gr", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.MaxClocks.Graphics })},
	{"clocks.max.sm", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.MaxClocks.SM })},
	{"clocks.max.mem", mhz, whole(func(d *gpu.Device) reading.Value[int64] { return d.MaxClocks.Memory })},
	{"pcie.link.gen.current", 1, whole(func(d *gpu.Device) reading.Value[int64] { return d.PCIe.Generation })},
	{"pcie.link.gen.max", 1, whole(func(d *gpu.Device) reading.Value[int64] { return d.PCIe.MaxGeneration })},
	{"pcie.link.width.current", 1, whole(func(d *gpu.Device) reading.Value[int64] { return d.PCIe.Width })},
	{"pcie.link.width.max", 1, whole(func(d *gpu.Device) reading.Value[int64] { return d.PCIe.MaxWidth })},
	{"ecc.errors.corrected.volatile.total", 1, counted(gpu.ErrorCorrected)},
	{"ecc.errors.uncorrected.volatile.total", 1, counted(gpu.ErrorUncorrected)},
	{"ecc.errors.corrected.aggregate.total", 1, counted(gpu.ErrorAggregateCorrected)},
	{"ecc.errors.uncorrected.aggregate.total", 1, counted(gpu.ErrorAggregateUncorrected)},
	{"retired_pages.single_bit_ecc.count", 1, counted(gpu.ErrorRetiredPageSingleBit)},
	{"retired_pages.double_bit.count", 1, counted(gpu.ErrorRetiredPageDoubleBit)},
	{"encoder.stats.sessionCount", 1, whole(func(d *gpu.Device) reading.Value[int64] { return d.EncoderSessions })},
	{"fan.speed", 0.01, func(d *gpu.Device) reading.Value[float64] {
		if len(d.Fans) == 0 {
			return reading.Value[float64]{}
		}
		return d.Fans[0].Ratio
	}},
}

// smi asks for fields, and returns the answer of each GPU by its UUID. What nvidia-smi cannot tell
// is absent.
func smi(t *testing.T, fields []string) map[string][]reading.Value[float64] {
	t.Helper()
	out, err := exec.Command("nvidia-smi", "--query-gpu=uuid,"+strings.Join(fields, ","), "--format=csv,noheader,nounits").Output()
	require.NoError(t, err, "nvidia-smi %v", fields)
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	require.NoError(t, err)
	gpus := make(map[string][]reading.Value[float64])
	for _, row := range rows {
		values := make([]reading.Value[float64], len(fields))
		for i := range fields {
			if v, err := strconv.ParseFloat(strings.TrimSpace(row[i+1]), 64); err == nil {
				values[i] = reading.Known(v)
			}
		}
		gpus[strings.TrimSpace(row[0])] = values
	}
	return gpus
}

// known returns the fields that this nvidia-smi supports: their names change between versions.
func known(t *testing.T) (list []compared) {
	for _, c := range parity {
		if err := exec.Command("nvidia-smi", "--query-gpu="+c.query, "--format=csv,noheader").Run(); err != nil {
			t.Logf("nvidia-smi does not know %s", c.query)
			continue
		}
		list = append(list, c)
	}
	require.Greater(t, len(list), len(parity)/2, "most fields have kept their names")
	return list
}

// between says whether a reading lies between two others, with a unit of rounding on each side.
func between(v, a, b, unit float64) bool { return v >= min(a, b)-unit && v <= max(a, b)+unit }

func describe(v reading.Value[float64]) string {
	if !v.Known {
		return "-"
	}
	return fmt.Sprint(v.V)
}
