package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// gpuPatience is how long GPUs are waited for: the first call on one without persistence mode loads
// its firmware.
const gpuPatience = 12 * time.Second

var libraryRemedies = map[gpu.LibraryState]string{
	gpu.LibraryNotFound:        "nothing, on a host without an NVIDIA GPU. Else install the driver; in a container, use the NVIDIA runtime with NVIDIA_DRIVER_CAPABILITIES=utility; for a library elsewhere set gpu.library_path",
	gpu.LibraryDriverNotLoaded: "load the kernel module: modprobe nvidia; if it does not load, the kernel was updated without the driver",
	gpu.LibraryNoPermission:    "let the agent's user open /dev/nvidiactl and /dev/nvidia*",
	gpu.LibraryRestartRequired: "restart the agent; FaceFusion needs it as well",
	gpu.LibraryNoNVML:          "nothing: NVML reports no GPU of such a host. If one should be there, look at lspci",
	gpu.LibraryUnsupported:     "build with cgo_enabled: true",
}

// checkGPUs asks the driver as the agent does: with its library, and for its GPUs.
func checkGPUs(ctx context.Context, cfg *facefusionreceiver.Config) []finding {
	if !cfg.GPU.Enabled {
		return []finding{{"gpu", Info, "", "GPUs are not looked at: gpu.enabled is false", ""}}
	}
	root := cfg.RootPath
	sampler := gpu.NewSampler(gpu.Settings{
		Driver:   nvmldriver.New(nvmldriver.Settings{LibraryPath: cfg.GPU.LibraryPath, RootPath: root}),
		RootPath: root, LibraryNamed: cfg.GPU.LibraryPath != "",
		Include: cfg.GPU.Devices.Include, Exclude: cfg.GPU.Devices.Exclude,
	})
	defer func() { _ = sampler.Close(ctx) }() // a driver that hangs ends with this program
	snapshot := observeGPUs(ctx, sampler)

	findings := checkDevices(root)
	library := snapshot.Library
	if library.State != gpu.LibraryAvailable {
		status := Warning
		if library.State == gpu.LibraryNoNVML || library.State == gpu.LibraryNotFound && len(findings) == 0 {
			status = Info
		}
		detail := "no GPU is seen: " + string(library.State)
		if library.Err != nil {
			detail += ": " + library.Err.Error()
		}
		return append(findings, finding{"gpu", status, "driver", detail, libraryRemedies[library.State]})
	}
	findings = append(findings, finding{"gpu", OK, "driver", fmt.Sprintf("version %s, %d GPUs", library.DriverVersion, len(snapshot.Devices)), ""})
	for i := range snapshot.Devices {
		findings = append(findings, deviceFinding(&snapshot.Devices[i]))
	}
	return findings
}

// observeGPUs waits until each GPU said how it is. Each has a worker of its own.
func observeGPUs(ctx context.Context, sampler *gpu.Sampler) *gpu.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, gpuPatience)
	defer cancel()
	for {
		_ = sampler.Observe(ctx) // what is wrong is in the snapshot
		snapshot := sampler.Latest()
		ready := snapshot != nil && snapshot.Library.State != gpu.LibraryUnknown
		if ready {
			for i := range snapshot.Devices {
				ready = ready && snapshot.Devices[i].Health != ""
			}
		}
		select {
		case <-ctx.Done():
			ready = true
		case <-time.After(100 * time.Millisecond):
		}
		if ready {
			if snapshot == nil {
				return &gpu.Snapshot{}
			}
			return snapshot
		}
	}
}

func deviceFinding(d *gpu.Device) finding {
	name := d.Name
	if name == "" {
		name = d.UUID
	}
	switch d.Health {
	case gpu.HealthOK:
		return finding{"gpu", OK, name, d.UUID, ""}
	case "":
		return finding{"gpu", Warning, name, "did not answer in " + gpuPatience.String(), "see dmesg; nvidia-smi will hang as well"}
	default:
		return finding{"gpu", Warning, name, fmt.Sprintf("%s: %s", d.Health, d.Reason), "docs/runbooks/GPU*.md; see dmesg"}
	}
}

// checkDevices looks at the device files where a driver is loaded: no unit may make them.
func checkDevices(root string) []finding {
	if _, err := os.Stat(filepath.Join(root, "proc/driver/nvidia/version")); err != nil {
		return nil
	}
	control, err := os.OpenFile("/dev/nvidiactl", os.O_RDWR, 0)
	switch {
	case err == nil:
		control.Close()
		return []finding{{"gpu", OK, "/dev/nvidiactl", "can be opened", ""}}
	case errors.Is(err, fs.ErrNotExist):
		return []finding{{"gpu", Warning, "/dev/nvidiactl", "is not there, although the kernel module is loaded", "on a host: systemctl enable --now nvidia-persistenced, or run nvidia-smi once as root. In a container: use the NVIDIA runtime"}}
	default:
		return []finding{{"gpu", Warning, "/dev/nvidiactl", err.Error(), "let the agent's user open it; in a unit see DeviceAllow=, in a container its devices"}}
	}
}
