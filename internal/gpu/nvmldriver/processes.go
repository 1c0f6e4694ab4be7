//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// The first drivers of branch 535 write entries of 32 bytes into a list that every caller, go-nvml
// included, allocates for 24. The result is garbage and is written beyond the end of the list, so
// no such call is made on them. (https://github.com/XuehaiPan/nvitop/issues/94, NVIDIA's release
// notes of 535.104)
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
	for kind := range gpu.ContextMPS + 1 {
		if !h.contexts[kind].due() {
			continue
		}
		list, err := h.processes(kind)
		if errors.Is(err, gpu.ErrNotSupported) {
			h.contexts[kind].refuse()
			continue
		}
		if err != nil {
			return nil, err
		}
		asked = true
		all = append(all, list...)
	}
	if !asked {
		return nil, fmt.Errorf("list processes: %w", gpu.ErrNotSupported)
	}
	return all, nil
}

// errGrown is not retried: the next pass reads the whole list.
var errGrown = errors.New("the list grew while it was read")

// ProcessSamples implements gpu.Handle.
func (h *handle) ProcessSamples(after uint64) (samples []gpu.ProcessSample, err error) {
	entries, err := h.readProcessSamples(after)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, gpu.ErrNotFound
	}
	samples = make([]gpu.ProcessSample, len(entries))
	for i, e := range entries {
		samples[i] = gpu.ProcessSample{PID: e.Pid, Timestamp: e.TimeStamp, General: e.SmUtil, Encoder: e.EncUtil, Decoder: e.DecUtil}
	}
	return samples, nil
}

// emptyList reports whether the code of the call for the length of a list means that it is empty.
func emptyList(code nvml.Return) bool {
	return code == nvml.SUCCESS || code == nvml.ERROR_INSUFFICIENT_SIZE
}
