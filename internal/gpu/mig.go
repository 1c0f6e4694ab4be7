package gpu

import (
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// migDeviceLimit is how many MIG devices a GPU can have at most; it is 7 today.
const migDeviceLimit = 32

// readMIGDevices reads the MIG devices of a GPU. Their handles change with each reconfiguration, so
// that they are asked for each time.
func (g *acquiredGPU) readMIGDevices(now time.Time, s *shared) {
	g.migDevices = nil
	g.ask(fieldMIGDevices, func() error {
		handles, err := g.handle.MIGDevices()
		for i, h := range handles[:min(len(handles), migDeviceLimit)] {
			d, partErr := g.readMIGDevice(h, i, s)
			if partErr != nil {
				// Most likely it is being removed. The next pass shows.
				err = errors.Join(err, partErr)
				continue
			}
			d.Sampled = now
			g.migDevices = append(g.migDevices, d)
		}
		return err
	})
}

func (g *acquiredGPU) readMIGDevice(h Handle, number int, s *shared) (Device, error) {
	id, err := h.Identity()
	if err != nil {
		return Device{}, err
	}
	id, known := plausibleIdentity(id)
	if !known {
		g.usage.implausible.add(GroupIdentity)
	}
	if id.UUID == "" {
		return Device{}, errNoUUID
	}
	id.Index, id.PCIAddress, id.VBIOSVersion = g.identity.Index, g.identity.PCIAddress, g.identity.VBIOSVersion
	d := Device{Identity: id, Parent: g.identity.UUID, MIGIndex: number, Health: HealthOK}
	memory, err := h.Memory()
	if err != nil {
		return Device{}, err
	}
	d.MemoryUsed, d.MemoryTotal = plausibleMemory(memory)
	if !d.MemoryUsed.Known {
		g.usage.implausible.add(GroupMemory)
	}
	if contexts, err := h.Contexts(); err == nil {
		list, plausible := plausibleProcesses(contexts, d.MemoryTotal)
		if d.Processes = reading.Known(list); !plausible {
			g.usage.implausible.add(GroupProcess)
		}
	}
	if s.profile {
		// A MIG device that cannot be measured is there all the same.
		if plausible, err := profileOf(h, &s.usages.of(id.UUID).profile); err == nil && !plausible {
			g.usage.implausible.add(GroupUtilization)
		}
	}
	return d, nil
}
