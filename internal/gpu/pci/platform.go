package pci

import (
	"os"
	"path/filepath"
	"strings"
)

// IsJetson reports whether the host is an NVIDIA Jetson, whose GPU is a part of the chip and not on
// the bus. Containers often hide the firmware's tables, but not the name of the chip.
func (b Bus) IsJetson() bool {
	if readAttribute(filepath.Join(b.Root, "sys/devices/soc0/family")) == "Tegra" {
		return true
	}
	// A list of names, each terminated by NUL.
	compatible := readAttribute(filepath.Join(b.Root, "sys/firmware/devicetree/base/compatible"))
	return strings.Contains("\x00"+compatible, "\x00nvidia,tegra")
}

// LacksGPU reports whether the host certainly has no NVIDIA GPU on the bus: the bus can be read and
// has no such device. The GPU of WSL 2 is not on the bus.
func (b Bus) LacksGPU() bool {
	entries, err := os.ReadDir(b.path())
	if err != nil || len(entries) == 0 {
		return false
	}
	if _, err := os.Stat(filepath.Join(b.Root, "dev/dxg")); err == nil {
		return false
	}
	for _, entry := range entries {
		if b.isGPU(entry.Name()) {
			return false
		}
	}
	return true
}
