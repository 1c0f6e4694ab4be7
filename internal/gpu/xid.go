package gpu

import (
	"errors"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// eventSource adapts the event set of a session to package xid.
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

// eventsError translates an error of Session.Events for package xid.
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

// watchXIDs waits for the XIDs of a session in a goroutine of its own. The first event set is
// created with the session, so that the first pass of each GPU registers it.
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

// readKernelLog starts reading the kernel's log if configured, and returns its state.
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

// fillXIDs sets the counts of XIDs of the devices.
func (s *Sampler) fillXIDs(devices []Device) {
	for i := range devices {
		d := &devices[i]
		d.XIDs.V, d.LastXID, d.XIDs.Known = s.shared.xids.Counts(d.UUID)
	}
}
