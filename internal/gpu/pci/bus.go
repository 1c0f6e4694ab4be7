package pci

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Bus is the kernel's view of PCI devices below the host's root.
type Bus struct{ Root string }

func (b Bus) path(parts ...string) string {
	return filepath.Join(append([]string{b.Root, "sys/bus/pci/devices"}, parts...)...)
}

// Suspended reports whether the kernel has suspended a device. It is false if the state cannot be
// read, and for devices without runtime power management.
func (b Bus) Suspended(address string) bool {
	return address != "" && b.read(address, "power/runtime_status") == "suspended"
}

// AllGPUsSuspended reports whether every NVIDIA GPU of the host is suspended; false without any.
func (b Bus) AllGPUsSuspended() bool {
	addresses, err := os.ReadDir(b.path())
	if err != nil {
		return false
	}
	gpus := 0
	for _, entry := range addresses {
		if !b.isGPU(entry.Name()) {
			continue
		}
		gpus++
		if !b.Suspended(entry.Name()) {
			return false
		}
	}
	return gpus > 0
}

// isGPU reports whether a device is an NVIDIA GPU: 0300 is a VGA controller, 0302 a 3D controller.
func (b Bus) isGPU(address string) bool {
	return b.read(address, "vendor") == "0x10de" && strings.HasPrefix(b.read(address, "class"), "0x03")
}

// attributeLimit bounds the sysfs attributes that are read: the kernel writes a page at most.
const attributeLimit = 4096

func (b Bus) read(address, file string) string {
	return readAttribute(b.path(address, file))
}

func readAttribute(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, attributeLimit))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
