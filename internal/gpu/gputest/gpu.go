package gputest

import (
	"fmt"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// NewGPU creates a GPU whose values all differ from each other and from those of GPUs with other
// indexes. It has no sample buffers.
func NewGPU(index int) *GPU {
	n := index + 1
	return &GPU{
		Identity: gpu.Identity{
			UUID:         fmt.Sprintf("GPU-00000000-0000-0000-0000-%012d", n),
			Index:        index,
			Name:         fmt.Sprintf("NVIDIA Test %d", 100+n),
			PCIAddress:   fmt.Sprintf("0000:%02x:00.0", 0x40+n),
			VBIOSVersion: fmt.Sprintf("96.00.%02d.00.01", n),
		},
		Memory:      gpu.Memory{Used: uint64(n) << 30, Total: uint64(n+16) << 30},
		Temperature: 50 + n,
		Power:       uint32(200_000 + 1_000*n),
		Energy:      uint64(7_000_000 + n),
		Utilization: map[gpu.Task]uint32{gpu.TaskGeneral: uint32(60 + n), gpu.TaskEncoder: uint32(30 + n), gpu.TaskDecoder: uint32(10 + n)},
	}
}
