//go:build linux && cgo

package nvmldriver

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// nvmlFanSpeedInfo_v1_t of nvml.h, and its version.
struct fanSpeedInfo {
	unsigned int version, fan, speed;
};
#define FAN_SPEED_INFO_V1 (sizeof(struct fanSpeedInfo) | 1u << 24)

// A device handle is passed as a plain pointer; the header wraps it in a struct.
static int deviceGetHandleByUUID(void *function, const char *uuid, void **device) {
	return ((int (*)(const char *, void **))function)(uuid, device);
}

static int deviceGetFanSpeedRPM(void *function, void *device, unsigned int fan, unsigned int *rpm) {
	struct fanSpeedInfo info = {FAN_SPEED_INFO_V1, fan, 0};
	int code = ((int (*)(void *, struct fanSpeedInfo *))function)(device, &info);
	*rpm = info.speed;
	return code;
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// direct holds functions of the library that are called without go-nvml, because its wrapper
// returns less than they do, or because no thread of the Go runtime may wait in them. A function
// that the library does not export is nil. A test compares their declarations with nvml.h.
type direct struct {
	handleByUUID, fanSpeedRPM, eventSetWait unsafe.Pointer
	// lists are the functions of lists.go that the library has, by name.
	lists map[string]unsafe.Pointer
}

const (
	symbolHandleByUUID = "nvmlDeviceGetHandleByUUID"
	symbolFanSpeedRPM  = "nvmlDeviceGetFanSpeedRPM"
	symbolEventSetWait = "nvmlEventSetWait_v2"
	// symbolOlderEventSetWait does not report the GPU instance, which is not used.
	symbolOlderEventSetWait = "nvmlEventSetWait"

	symbolSamples            = "nvmlDeviceGetSamples"
	symbolProcessUtilization = "nvmlDeviceGetProcessUtilization"
	symbolRetiredPages       = "nvmlDeviceGetRetiredPages"
)

// processLists are the functions that list processes, without the version suffix.
var processLists = [...]string{
	gpu.ContextCompute:  "nvmlDeviceGetComputeRunningProcesses",
	gpu.ContextGraphics: "nvmlDeviceGetGraphicsRunningProcesses",
	gpu.ContextMPS:      "nvmlDeviceGetMPSComputeRunningProcesses",
}

// bind looks up the functions in the loaded library. It loads nothing and never calls dlclose: the
// library stays loaded until the process ends.
func bind(path string) direct {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	loaded := C.dlopen(name, C.RTLD_LAZY|C.RTLD_NOLOAD)
	if loaded == nil {
		return direct{}
	}
	find := func(symbol string) unsafe.Pointer {
		name := C.CString(symbol)
		defer C.free(unsafe.Pointer(name))
		return C.dlsym(loaded, name)
	}
	found := direct{lists: make(map[string]unsafe.Pointer), handleByUUID: find(symbolHandleByUUID), fanSpeedRPM: find(symbolFanSpeedRPM), eventSetWait: find(symbolEventSetWait)}
	if found.eventSetWait == nil {
		found.eventSetWait = find(symbolOlderEventSetWait)
	}
	add := func(symbol string) {
		if function := find(symbol); function != nil {
			found.lists[symbol] = function
		}
	}
	add(symbolSamples)
	add(symbolProcessUtilization)
	add(symbolRetiredPages)
	for _, symbol := range processLists {
		add(symbol)
		add(symbol + "_v2")
		add(symbol + "_v3")
	}
	return found
}

// revolutions returns the speed of one fan in revolutions per minute. go-nvml reads the first fan
// only, and does not export a device's handle, so the handle is requested from the library.
func (h *handle) revolutions(fan int) (uint32, error) {
	if h.closed.Load() {
		return 0, gpu.ErrUninitialized
	}
	if h.direct.fanSpeedRPM == nil || h.direct.handleByUUID == nil || h.uuid == "" {
		return 0, fmt.Errorf("nvml %s is missing: %w", symbolFanSpeedRPM, gpu.ErrNotSupported)
	}
	if h.raw == nil {
		uuid := C.CString(h.uuid)
		defer C.free(unsafe.Pointer(uuid))
		var raw unsafe.Pointer
		code := nvml.Return(C.deviceGetHandleByUUID(h.direct.handleByUUID, uuid, &raw))
		if err := failure(symbolHandleByUUID, code); err != nil {
			return 0, err
		}
		h.raw = raw
	}
	var rpm C.uint
	code := nvml.Return(C.deviceGetFanSpeedRPM(h.direct.fanSpeedRPM, h.raw, C.uint(fan), &rpm))
	return uint32(rpm), failure(symbolFanSpeedRPM, code)
}
