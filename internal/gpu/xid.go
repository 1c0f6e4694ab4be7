package gpu

import (
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// eventSource is the event set of a session as package xid sees it.
type eventSource struct{ events Events }

// Wait implements xid.Source.
func (s eventSource) Wait(timeout time.Duration) (xid.DriverReport, error) {
	report, err := s.events.Wait(timeout)
	switch {
	case errors.Is(err, ErrNotFound):
		return report, xid.ErrNone
	case endsSession(err):
		return report, errors.Join(xid.ErrEnded, err)
	default:
		return report, err
	}
}

// watchXIDs waits for the XIDs of a session in a goroutine of its own.
func (s *Sampler) watchXIDs(session *sharedSession) {
	if session.events == nil {
		return
	}
	session.acquire()
	s.running.Go(func() {
		defer session.release()
		s.shared.xids.Watch(eventSource{session.events}, session.over)
	})
}

// readKernelLog has the kernel's log read if it is to be, and says how that goes.
func (s *Sampler) readKernelLog() xid.LogStatus {
	if s.kernelLog == nil {
		return xid.LogStatus{}
	}
	s.kernelLog.Start(&s.running)
	status := s.kernelLog.Status()
	if status.State == xid.LogRead {
		locations := make([]xid.Location, len(s.known))
		for i, id := range s.known {
			locations[i] = xid.Location{UUID: id.UUID, PCIAddress: id.PCIAddress}
		}
		s.shared.xids.Locate(locations)
	}
	return status
}

// fillXIDs puts the counts into the devices.
func (s *Sampler) fillXIDs(devices []Device) {
	for i := range devices {
		d := &devices[i]
		d.XIDs.V, d.LastXID, d.XIDs.Known = s.shared.xids.Counts(d.UUID)
	}
}
