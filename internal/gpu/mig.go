package gpu

import (
	"cmp"
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// migDeviceLimit bounds the MIG devices of a GPU. Today's GPUs have at most 7.
const migDeviceLimit = 32

// MIG is the MIG mode of a GPU and its MIG devices.
type MIG struct {
	// Enabled means that MIG mode is on, also without any MIG device.
	Enabled bool
	Devices []Handle
	// Claimed is the highest number of MIG devices that the driver reports, unchecked. Devices is
	// bounded.
	Claimed int
}

// readMIG reads the MIG devices of a GPU. Their handles change with each reconfiguration, so they
// are requested in each pass.
func (g *acquiredGPU) readMIG(now time.Time, s *shared) {
	g.migDevices = nil
	var devices []Handle
	g.ask(fieldMIG, func() error {
		mig, err := g.handle.MIG()
		if err == nil || mig.Enabled {
			g.noteMIG(mig.Enabled)
		}
		devices = mig.Devices
		return cmp.Or(err, errIfImplausible(max(mig.Claimed, len(mig.Devices)) <= migDeviceLimit))
	})
	for i, h := range devices[:min(len(devices), migDeviceLimit)] {
		if d, ok := g.readMIGDevice(h, i, s); ok {
			d.Sampled = now
			g.migDevices = append(g.migDevices, d)
		}
	}
}

// readMIGDevice reads one MIG device. It is false if both Memory and Contexts failed: most likely
// the device is being removed. A failed call leaves out one reading of this device.
func (g *acquiredGPU) readMIGDevice(h Handle, number int, s *shared) (d Device, ok bool) {
	_ = g.try(fieldMIG, func() error { // noted by try
		id, err := h.Identity()
		if err != nil {
			return err
		}
		id, plausible := plausibleIdentity(id)
		if !plausible {
			g.usage.implausible.add(GroupIdentity)
		}
		if id.UUID == "" {
			return errNoUUID
		}
		id.Index, id.PCIAddress, id.VBIOSVersion = g.identity.Index, g.identity.PCIAddress, g.identity.VBIOSVersion
		d = Device{Identity: id, Parent: g.identity.UUID, MIGIndex: number, Health: HealthOK}
		return nil
	})
	if d.UUID == "" {
		return d, false
	}
	memoryErr := g.try(fieldMemory, func() error {
		memory, err := h.Memory()
		if err != nil {
			return err
		}
		d.MemoryUsed, d.MemoryTotal = plausibleMemory(memory)
		return errIfImplausible(d.MemoryUsed.Known)
	})
	d.ProcessUse = Unsupported // NVML reports no process utilization on MIG devices
	contextsErr := g.try(fieldContexts, func() error {
		contexts, err := h.Contexts()
		if err != nil {
			return err
		}
		list, plausible := plausibleProcesses(contexts, d.MemoryTotal)
		d.Processes = reading.Known(list)
		return errIfImplausible(plausible)
	})
	d.ProcessList = absence(contextsErr)
	if broken(memoryErr) && broken(contextsErr) {
		return d, false
	}
	if s.profile {
		_ = g.try(fieldProfile, func() error { // likewise
			plausible, err := profileOf(h, &s.usages.of(d.UUID).profile)
			if err != nil {
				return err
			}
			return errIfImplausible(plausible)
		})
	}
	return d, true
}

// broken reports whether a call failed, other than with ErrNotSupported, ErrNotFound or
// ErrImplausible.
func broken(err error) bool {
	return err != nil && !errors.Is(err, ErrNotSupported) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrImplausible)
}
