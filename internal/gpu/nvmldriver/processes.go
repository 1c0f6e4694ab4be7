//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// The first drivers of branch 535 write entries of 32 bytes into a list that every caller, go-nvml
// included, allocates for 24. What comes is garbage, and is written beyond the end of the list.
// They are not asked. (https://github.com/XuehaiPan/nvitop/issues/94, NVIDIA's release notes of
// 535.104)
var (
	brokenProcessList = release{535, 0}
	soundProcessList  = release{535, 104}
)

// Contexts implements gpu.Handle.
func (h *handle) Contexts() ([]gpu.Context, error) {
	if !h.release.before(brokenProcessList) && h.release.before(soundProcessList) {
		return nil, fmt.Errorf("driver %d.%d lays out process lists in another way: %w", h.release[0], h.release[1], gpu.ErrUnreliable)
	}
	var all []gpu.Context
	asked := false
	for kind, list := range [...]func(*handle) ([]nvml.ProcessInfo, error){
		gpu.ContextCompute:  (*handle).computeProcesses,
		gpu.ContextGraphics: (*handle).graphicsProcesses,
		gpu.ContextMPS:      (*handle).mpsProcesses,
	} {
		if !h.contexts[kind].due() {
			continue
		}
		infos, err := list(h)
		if errors.Is(err, gpu.ErrNotSupported) {
			h.contexts[kind].refuse()
			continue
		}
		if err != nil {
			return nil, err
		}
		asked = true
		for _, i := range infos {
			all = append(all, gpu.Context{PID: i.Pid, Memory: i.UsedGpuMemory, Kind: gpu.ContextKind(kind)})
		}
	}
	if !asked {
		return nil, fmt.Errorf("list processes: %w", gpu.ErrNotSupported)
	}
	return all, nil
}

func (h *handle) computeProcesses() ([]nvml.ProcessInfo, error) {
	if err := h.may("GetComputeRunningProcesses"); err != nil {
		return nil, err
	}
	infos, code := h.device.GetComputeRunningProcesses()
	return infos, failure("GetComputeRunningProcesses", code)
}

func (h *handle) graphicsProcesses() ([]nvml.ProcessInfo, error) {
	if err := h.may("GetGraphicsRunningProcesses"); err != nil {
		return nil, err
	}
	infos, code := h.device.GetGraphicsRunningProcesses()
	return infos, failure("GetGraphicsRunningProcesses", code)
}

func (h *handle) mpsProcesses() ([]nvml.ProcessInfo, error) {
	if err := h.may("GetMPSComputeRunningProcesses"); err != nil {
		return nil, err
	}
	infos, code := h.device.GetMPSComputeRunningProcesses()
	return infos, failure("GetMPSComputeRunningProcesses", code)
}

// errGrown: the next pass will find everything.
var errGrown = errors.New("the list grew while it was read")

// ProcessSamples implements gpu.Handle.
func (h *handle) ProcessSamples(after uint64) (samples []gpu.ProcessSample, err error) {
	if err := h.may("GetProcessUtilization"); err != nil {
		return nil, err
	}
	// go-nvml asks how long the list is, and then for the list. It slices its buffer to the length
	// in the second answer, which panics if that is longer.
	defer func() {
		if recover() != nil {
			samples, err = nil, fmt.Errorf("nvml GetProcessUtilization: %w", errGrown)
		}
	}()
	entries, code := h.device.GetProcessUtilization(after)
	if len(entries) == 0 && emptyList(code) {
		return nil, gpu.ErrNotFound
	}
	if err := failure("GetProcessUtilization", code); err != nil {
		return nil, err
	}
	samples = make([]gpu.ProcessSample, len(entries))
	for i, e := range entries {
		samples[i] = gpu.ProcessSample{PID: e.Pid, Timestamp: e.TimeStamp, General: e.SmUtil, Encoder: e.EncUtil, Decoder: e.DecUtil}
	}
	return samples, nil
}

// emptyList is how go-nvml reports an empty list: it returns the code of the call for the length.
func emptyList(code nvml.Return) bool {
	return code == nvml.SUCCESS || code == nvml.ERROR_INSUFFICIENT_SIZE
}
