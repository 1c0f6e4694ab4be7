//go:build linux && cgo

package nvmldriver

import (
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

func TestFailure(t *testing.T) {
	require.NoError(t, failure("Init", nvml.SUCCESS))
	for code, want := range map[int]error{
		1: gpu.ErrUninitialized, 3: gpu.ErrNotSupported, 4: gpu.ErrNoPermission, 6: gpu.ErrNotFound, 9: gpu.ErrDriverNotLoaded, 12: gpu.ErrLibraryNotFound,
		13: gpu.ErrNotSupported, 15: gpu.ErrLost, 16: gpu.ErrResetRequired, 18: gpu.ErrRestartRequired, 21: gpu.ErrNotFound, 25: gpu.ErrNotSupported,
		26: gpu.ErrNotSupported, 2: gpu.ErrInvalidArgument, 10: gpu.ErrTimeout, 999: gpu.ErrUnknown,
	} {
		require.ErrorIs(t, failure("Init", nvml.Return(code)), want, "code %d", code)
	}
	require.EqualError(t, failure("GetPowerUsage", nvml.ERROR_IRQ_ISSUE), "nvml GetPowerUsage: code 11")
}
