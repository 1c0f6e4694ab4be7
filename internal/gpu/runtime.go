package gpu

import (
	"os"
	"path/filepath"
	"strings"
)

// bus is the kernel's view of PCI devices, below the host's root. It tells without touching a GPU whether the kernel has put it to sleep: a call into the
// driver would wake it.
type bus struct{ root string }

func (b bus) path(parts ...string) string {
	return filepath.Join(append([]string{b.root, "sys/bus/pci/devices"}, parts...)...)
}

// suspended says whether a GPU sleeps. What cannot be read counts as awake, as do GPUs without runtime power management.
func (b bus) suspended(address string) bool {
	return address != "" && b.read(address, "power/runtime_status") == "suspended"
}

// allSuspended says whether every NVIDIA GPU of the host sleeps; false without any.
func (b bus) allSuspended() bool {
	addresses, err := os.ReadDir(b.path())
	if err != nil {
		return false
	}
	gpus := 0
	for _, entry := range addresses {
		// 0300 is a VGA controller, 0302 a 3D controller.
		if b.read(entry.Name(), "vendor") != "0x10de" || !strings.HasPrefix(b.read(entry.Name(), "class"), "0x03") {
			continue
		}
		gpus++
		if !b.suspended(entry.Name()) {
			return false
		}
	}
	return gpus > 0
}

func (b bus) read(address, file string) string {
	data, err := os.ReadFile(b.path(address, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
