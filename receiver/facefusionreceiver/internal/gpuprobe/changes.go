package gpuprobe

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"

// changes is what is different in a snapshot from the one before.
type changes struct {
	// library says that the state of the driver's library is another.
	library bool
	// devices says that the number of GPUs is another.
	devices bool
	// failed are GPUs that are not ok, and were, or were so for another reason; recovered are those
	// that are ok again.
	failed, recovered []*gpu.Device
}

func (c *changes) any() bool {
	return c.library || c.devices || len(c.failed) > 0 || len(c.recovered) > 0
}

func compare(before, after *gpu.Snapshot) changes {
	c := changes{
		library: before.Library.State != after.Library.State,
		devices: len(before.Devices) != len(after.Devices),
	}
	for i := range after.Devices {
		device := &after.Devices[i]
		health, reason := healthOf(before, deviceID(device))
		switch {
		case device.Health == gpu.HealthOK && health != gpu.HealthOK && !reason.Answers():
			c.recovered = append(c.recovered, device)
		case device.Health != gpu.HealthOK && device.Reason != reason:
			c.failed = append(c.failed, device)
		}
	}
	return c
}

// healthOf a GPU in a snapshot. One that was not there was ok: its first pass is no recovery.
func healthOf(s *gpu.Snapshot, id string) (gpu.Health, gpu.HealthReason) {
	for i := range s.Devices {
		if deviceID(&s.Devices[i]) == id {
			return s.Devices[i].Health, s.Devices[i].Reason
		}
	}
	return gpu.HealthOK, gpu.ReasonNone
}
