//go:build gpu

package gpu

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
)

// TestMain fails without an NVIDIA GPU and names what is missing: passing there would prove
// nothing.
func TestMain(m *testing.M) {
	if missing := whatIsMissing(); missing != "" {
		fmt.Fprintf(os.Stderr, "make gpu needs a machine with an NVIDIA GPU: %s\n", missing)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func whatIsMissing() string {
	if _, err := exec.LookPath("nvidia-smi"); err != nil {
		return "nvidia-smi, which the readings are compared with, is not in PATH"
	}
	s := gpu.NewSampler(gpu.Settings{Driver: nvmldriver.New(nvmldriver.Settings{LibraryPath: os.Getenv("NVML_LIBRARY")})})
	defer func() { _ = s.Close(context.Background()) }() // the process ends
	_ = s.Observe(context.Background())                  // the snapshot says more
	switch library := s.Latest().Library; {
	case library.State != gpu.LibraryAvailable:
		return fmt.Sprintf("the driver's library is %s (%v)", library.State, library.Err)
	case len(s.Latest().Devices) == 0:
		return "the driver knows no GPU"
	}
	return ""
}
