//go:build linux && cgo

package nvmldriver

import (
	"errors"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// Rows implements gpu.Handle.
func (h *handle) Rows() (gpu.Rows, error) {
	if err := h.may("GetRemappedRows"); err != nil {
		return gpu.Rows{}, err
	}
	corrected, uncorrected, pending, failed, code := h.device.GetRemappedRows()
	return gpu.Rows{Corrected: corrected, Uncorrected: uncorrected, Pending: pending, Failed: failed}, failure("GetRemappedRows", code)
}

// Encoder implements gpu.Handle.
func (h *handle) Encoder() (gpu.Encoder, error) {
	if err := h.may("GetEncoderStats"); err != nil {
		return gpu.Encoder{}, err
	}
	sessions, rate, latency, code := h.device.GetEncoderStats()
	return gpu.Encoder{Sessions: sessions, FrameRate: rate, Latency: latency}, failure("GetEncoderStats", code)
}

// BAR1 implements gpu.Handle.
func (h *handle) BAR1() (gpu.Memory, error) {
	if err := h.may("GetBAR1MemoryInfo"); err != nil {
		return gpu.Memory{}, err
	}
	m, code := h.device.GetBAR1MemoryInfo()
	return gpu.Memory{Used: m.Bar1Used, Total: m.Bar1Total}, failure("GetBAR1MemoryInfo", code)
}

// fans returns the number of fans. Drivers before R470 report one fan only.
func (h *handle) fans() (uint64, error) {
	if err := h.may("GetNumFans"); err != nil {
		if h.may("GetFanSpeed") == nil {
			return 1, nil
		}
		return 0, err
	}
	count, code := h.device.GetNumFans()
	return uint64(count), failure("GetNumFans", code)
}

// Fan implements gpu.Handle.
func (h *handle) Fan(number int) (gpu.FanSpeed, error) {
	percent, err := h.fanPercent(number)
	if err != nil {
		return gpu.FanSpeed{}, err
	}
	speed := gpu.FanSpeed{Percent: percent}
	if number < 0 || number >= fanLimit || !h.rpm[number].due() {
		return speed, nil
	}
	switch rpm, err := h.revolutions(number); {
	case err == nil:
		speed.RPM = rpm
	case errors.Is(err, gpu.ErrNotSupported):
		h.rpm[number].refuse()
	}
	return speed, nil
}

func (h *handle) fanPercent(number int) (uint32, error) {
	if h.may("GetFanSpeed_v2") == nil {
		percent, code := h.device.GetFanSpeed_v2(number)
		return percent, failure("GetFanSpeed_v2", code)
	}
	if number > 0 {
		return 0, gpu.ErrNotSupported
	}
	if err := h.may("GetFanSpeed"); err != nil {
		return 0, err
	}
	percent, code := h.device.GetFanSpeed()
	return percent, failure("GetFanSpeed", code)
}
