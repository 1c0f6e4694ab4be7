//go:build linux && cgo

package nvmldriver

/*
static int deviceGetProcesses(void *function, void *device, unsigned int *count, void *infos) {
	return ((int (*)(void *, unsigned int *, void *))function)(device, count, infos);
}

static int deviceGetSamples(void *function, void *device, int type, unsigned long long after, int *valueType, unsigned int *count, void *samples) {
	return ((int (*)(void *, int, unsigned long long, int *, unsigned int *, void *))function)(device, type, after, valueType, count, samples);
}

static int deviceGetProcessUtilization(void *function, void *device, void *samples, unsigned int *count, unsigned long long after) {
	return ((int (*)(void *, void *, unsigned int *, unsigned long long))function)(device, samples, count, after);
}

static int deviceGetRetiredPages(void *function, void *device, int cause, unsigned int *count) {
	return ((int (*)(void *, int, unsigned int *, void *))function)(device, cause, count, 0);
}
*/
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// The lists of the library are read without go-nvml, which allocates as many entries as the library
// claims to have: 2^32-1 of them end the process.
const (
	// listLimit is far above any list: a sample buffer has about a hundred entries, and a GPU not
	// many more processes.
	listLimit = 4096
	// listRoom is the initial capacity for processes; nearly always enough.
	listRoom = 64
)

// errTooLong is the error for a list that the library reports as longer than listLimit.
func errTooLong(symbol string, count C.uint) error {
	return fmt.Errorf("nvml %s: a list of %d entries: %w", symbol, uint32(count), gpu.ErrImplausible)
}

// function returns a function of the library and the device as its argument. It fails if the
// library does not export the function or the session has ended.
func (h *handle) function(symbol string) (function, device unsafe.Pointer, err error) {
	if h.closed.Load() {
		return nil, nil, gpu.ErrUninitialized
	}
	if function = h.direct.lists[symbol]; function == nil {
		return nil, nil, fmt.Errorf("nvml %s is missing: %w", symbol, gpu.ErrNotSupported)
	}
	// go-nvml's device is a struct of one pointer, of an unexported type.
	return function, reflect.ValueOf(h.device).Field(0).UnsafePointer(), nil
}

// processInfo is an entry of a list of processes: nvmlProcessInfo_v1_t, or nvmlProcessInfo_v2_t,
// which _v3 uses as well.
type processInfo interface {
	nvml.ProcessInfo_v1 | nvml.ProcessInfo_v2
}

// processes reads the list of a kind with the newest function that the library exports.
func (h *handle) processes(kind gpu.ContextKind) (list []gpu.Context, err error) {
	symbol := processLists[kind]
	switch {
	case h.direct.lists[symbol+"_v3"] != nil:
		symbol += "_v3"
	case h.direct.lists[symbol+"_v2"] != nil:
		symbol += "_v2"
	default:
		return readProcesses(h, symbol, func(p *nvml.ProcessInfo_v1) gpu.Context {
			return gpu.Context{PID: p.Pid, Memory: p.UsedGpuMemory, Kind: kind}
		})
	}
	return readProcesses(h, symbol, func(p *nvml.ProcessInfo_v2) gpu.Context {
		return gpu.Context{PID: p.Pid, Memory: p.UsedGpuMemory, Kind: kind}
	})
}

func readProcesses[T processInfo](h *handle, symbol string, context func(*T) gpu.Context) ([]gpu.Context, error) {
	function, device, err := h.function(symbol)
	if err != nil {
		return nil, err
	}
	for room := C.uint(listRoom); ; {
		infos, count := make([]T, room), room
		code := nvml.Return(C.deviceGetProcesses(function, device, &count, unsafe.Pointer(&infos[0])))
		if code == nvml.ERROR_INSUFFICIENT_SIZE {
			// Some drivers return the number of entries, others only that there are more.
			if room = max(count, 2*room); room > listLimit {
				return nil, errTooLong(symbol, max(count, room))
			}
			continue
		}
		if err := failure(symbol, code); err != nil {
			return nil, err
		}
		if count > room {
			return nil, errTooLong(symbol, count)
		}
		list := make([]gpu.Context, count)
		for i := range list {
			list[i] = context(&infos[i])
		}
		return list, nil
	}
}

// readSamples reads a sample buffer. The first call returns its length.
func (h *handle) readSamples(kind nvml.SamplingType, after uint64) (nvml.ValueType, []nvml.Sample, error) {
	function, device, err := h.function(symbolSamples)
	if err != nil {
		return 0, nil, err
	}
	var valueType C.int
	var count C.uint
	code := nvml.Return(C.deviceGetSamples(function, device, C.int(kind), C.ulonglong(after), &valueType, &count, nil))
	if err := failure(symbolSamples, code); err != nil || count == 0 {
		return 0, nil, err
	}
	if count > listLimit {
		return 0, nil, errTooLong(symbolSamples, count)
	}
	entries := make([]nvml.Sample, count)
	code = nvml.Return(C.deviceGetSamples(function, device, C.int(kind), C.ulonglong(after), &valueType, &count, unsafe.Pointer(&entries[0])))
	if err := failure(symbolSamples, code); err != nil {
		return 0, nil, err
	}
	if int(count) > len(entries) {
		return 0, nil, errTooLong(symbolSamples, count)
	}
	return nvml.ValueType(valueType), entries[:count], nil
}

// readProcessSamples reads the utilization of processes. The first call returns the length of the
// list. An empty list is nil.
func (h *handle) readProcessSamples(after uint64) ([]nvml.ProcessUtilizationSample, error) {
	function, device, err := h.function(symbolProcessUtilization)
	if err != nil {
		return nil, err
	}
	var count C.uint
	code := nvml.Return(C.deviceGetProcessUtilization(function, device, nil, &count, C.ulonglong(after)))
	if code != nvml.ERROR_INSUFFICIENT_SIZE || count == 0 {
		if emptyList(code) {
			return nil, nil
		}
		return nil, failure(symbolProcessUtilization, code)
	}
	if count > listLimit {
		return nil, errTooLong(symbolProcessUtilization, count)
	}
	entries := make([]nvml.ProcessUtilizationSample, count)
	code = nvml.Return(C.deviceGetProcessUtilization(function, device, unsafe.Pointer(&entries[0]), &count, C.ulonglong(after)))
	if int(count) > len(entries) {
		return nil, fmt.Errorf("nvml %s: %w", symbolProcessUtilization, errGrown)
	}
	if err := failure(symbolProcessUtilization, code); err != nil {
		return nil, err
	}
	return entries[:count], nil
}

// retired returns the number of retired pages: with a buffer of length 0, the library returns the
// count only.
func (h *handle) retired(cause nvml.PageRetirementCause) (uint64, error) {
	function, device, err := h.function(symbolRetiredPages)
	if err != nil {
		return 0, err
	}
	var count C.uint
	code := nvml.Return(C.deviceGetRetiredPages(function, device, C.int(cause), &count))
	if code == nvml.ERROR_INSUFFICIENT_SIZE {
		return uint64(count), nil
	}
	return uint64(count), failure(symbolRetiredPages, code)
}
