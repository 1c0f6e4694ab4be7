package gpu

import (
	"errors"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// eventSource is the event set of a session as package xid sees it.
type eventSource struct{ events Events }

// Wait implements xid.Source.
func (s eventSource) Wait(over <-chan struct{}) (xid.DriverReport, error) {
	report, err := s.events.Wait(over)
	switch {
	case errors.Is(err, ErrNotFound):
		return report, xid.ErrNone
	case endsSession(err):
		return report, errors.Join(xid.ErrEnded, err)
	default:
		return report, err
	}
}

// eventsError says what an error of an event set that could not be made means to package xid.
func eventsError(err error) error {
	switch {
	case endsSession(err):
		return errors.Join(xid.ErrEnded, err)
	case errors.Is(err, ErrNotSupported):
		return errors.Join(xid.ErrUnavailable, err)
	default:
		return err
	}
}

// watchXIDs waits for the XIDs of a session in a goroutine of its own. The first event set was made
// when the session was opened, so that the first pass of each GPU registers it.
func (s *Sampler) watchXIDs(session *sharedSession) {
	session.acquire()
	s.running.Go(func() {
		defer session.release()
		first := true
		s.shared.xids.Watch(func() (xid.Source, error) {
			err := session.eventsErr
			if !first {
				err = session.newEvents(s.shared.xids)
			}
			first = false
			if err != nil {
				return nil, eventsError(err)
			}
			return eventSource{session.events}, nil
		}, session.over)
	})
}

// readKernelLog has the kernel's log read if it is to be, and says how that goes.
func (s *Sampler) readKernelLog() xid.LogStatus {
	if s.kernelLog == nil {
		return xid.LogStatus{}
	}
	s.kernelLog.Start(&s.running)
	status := s.kernelLog.Status()
	s.shared.xids.SetKernelLog(status.State == xid.LogRead)
	if status.State == xid.LogRead {
		locations := make([]xid.GPUAddress, len(s.known))
		for i, id := range s.known {
			locations[i] = xid.GPUAddress{UUID: id.UUID, PCIAddress: id.PCIAddress}
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
