//go:build linux && cgo

package nvmldriver

import (
	"encoding/binary"
	"math"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// samplingTypes are the sample buffers of the tasks.
var samplingTypes = map[gpu.Task]nvml.SamplingType{
	gpu.TaskGeneral: nvml.GPU_UTILIZATION_SAMPLES,
	gpu.TaskEncoder: nvml.ENC_UTILIZATION_SAMPLES,
	gpu.TaskDecoder: nvml.DEC_UTILIZATION_SAMPLES,
}

// Samples implements gpu.Handle.
func (h *handle) Samples(task gpu.Task, after uint64) ([]gpu.Sample, error) {
	kind, has := samplingTypes[task]
	if !has {
		return nil, gpu.ErrNotSupported
	}
	valueType, entries, err := h.readSamples(kind, after)
	if err != nil {
		return nil, err
	}
	samples := make([]gpu.Sample, len(entries))
	for i, e := range entries {
		samples[i] = gpu.Sample{Timestamp: e.TimeStamp, Value: floatValue(valueType, e.SampleValue)}
	}
	return samples, nil
}

// floatValue reads the C union of a sample's value. t selects the member; the result is NaN for a
// type of a later header.
func floatValue(t nvml.ValueType, union [8]byte) float64 {
	bits := binary.NativeEndian.Uint64(union[:])
	switch t {
	case nvml.VALUE_TYPE_DOUBLE:
		return math.Float64frombits(bits)
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return float64(binary.NativeEndian.Uint32(union[:]))
	case nvml.VALUE_TYPE_SIGNED_INT:
		return float64(int32(binary.NativeEndian.Uint32(union[:])))
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return float64(bits)
	case nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return float64(int64(bits))
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		return float64(binary.NativeEndian.Uint16(union[:]))
	default:
		return math.NaN()
	}
}
