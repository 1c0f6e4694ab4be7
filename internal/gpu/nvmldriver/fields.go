//go:build linux && cgo

package nvmldriver

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// allLinks is the scope of NVLink fields that selects the sum of all links.
const allLinks = 1<<32 - 1

// field reads a field value. The fields used this way have the same number in every driver.
func field(id, scope uint32) func(*handle) (gpu.Number, error) {
	return func(h *handle) (gpu.Number, error) { return h.field(id, scope) }
}

func (h *handle) field(id, scope uint32) (gpu.Number, error) {
	if err := h.may("GetFieldValues"); err != nil {
		return gpu.Number{}, err
	}
	values := []nvml.FieldValue{{FieldId: id, ScopeId: scope}}
	code := h.device.GetFieldValues(values)
	if err := failure("GetFieldValues", code); err != nil {
		return gpu.Number{}, err
	}
	code = nvml.Return(values[0].NvmlReturn)
	if unknownField(code) {
		return gpu.Number{}, gpu.ErrNotSupported
	}
	if err := failure("GetFieldValues", code); err != nil {
		return gpu.Number{}, err
	}
	kind := nvml.ValueType(values[0].ValueType)
	value, err := unsignedValue(kind, values[0].Value)
	return gpu.Number{Value: value, Bits: bits(kind)}, err
}

// unknownField reports whether a code means that the driver is older than the field.
func unknownField(code nvml.Return) bool { return code == nvml.ERROR_INVALID_ARGUMENT }

// unsignedValue reads the C union of a value that cannot be negative. t selects the member.
func unsignedValue(t nvml.ValueType, union [8]byte) (uint64, error) {
	switch t {
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return uint64(binary.NativeEndian.Uint32(union[:])), nil
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return binary.NativeEndian.Uint64(union[:]), nil
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		return uint64(binary.NativeEndian.Uint16(union[:])), nil
	case nvml.VALUE_TYPE_SIGNED_INT:
		return notNegative(int64(int32(binary.NativeEndian.Uint32(union[:]))))
	case nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return notNegative(int64(binary.NativeEndian.Uint64(union[:])))
	case nvml.VALUE_TYPE_DOUBLE:
		v := floatValue(t, union)
		if v >= 0 && v < 1<<63 {
			return uint64(v), nil
		}
		return 0, gpu.ErrImplausible
	default:
		return 0, gpu.ErrNotFound
	}
}

// bits returns the width of a value type.
func bits(t nvml.ValueType) int {
	switch t {
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		return 16
	case nvml.VALUE_TYPE_SIGNED_INT:
		return 31
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return 32
	default:
		return 64
	}
}

// notAvailable is NVML_VALUE_NOT_AVAILABLE.
const notAvailable = -1

func notNegative(v int64) (uint64, error) {
	switch {
	case v >= 0:
		return uint64(v), nil
	case v == notAvailable:
		return 0, gpu.ErrNotFound
	default:
		return 0, gpu.ErrImplausible
	}
}

// Fields that were renumbered. The old numbers have another meaning today.
const (
	swThermal = iota
	hwThermal
	powerBrake
)

// The number of the first of the three in the headers up to CUDA 13.0, and from driver 580.82 on
// (go-nvml v0.13.0 and v0.13.1, nvml.h).
const (
	throttleFieldsBefore = 251
	throttleFieldsSince  = 269
)

var renumberedSince = release{580, 82}

// renumbered chooses the number by the version of the driver. It makes no call if the version is
// unknown.
func renumbered(offset uint32) func(*handle) (gpu.Number, error) {
	return func(h *handle) (gpu.Number, error) {
		switch {
		case !h.release.known():
			return gpu.Number{}, gpu.ErrNotSupported
		case h.release.before(renumberedSince):
			return h.field(throttleFieldsBefore+offset, 0)
		default:
			return h.field(throttleFieldsSince+offset, 0)
		}
	}
}

// release is the first two parts of a driver's version: branch and number, for example 535 and 104.
type release [2]int

func parseRelease(version string) (r release) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 {
		return release{}
	}
	for i := range r {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return release{}
		}
		r[i] = n
	}
	return r
}

func (r release) known() bool { return r != release{} }

func (r release) before(o release) bool { return r[0] < o[0] || r[0] == o[0] && r[1] < o[1] }
