//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// eventSet implements gpu.Events.
type eventSet struct {
	*session
	set nvml.EventSet

	mu sync.Mutex
	// uuids are those of the registered GPUs.
	uuids map[nvml.Device]string
}

// Events implements gpu.Session.
func (s *session) Events() (gpu.Events, error) {
	for _, method := range []string{"EventSetWait", "EventSetFree", "RegisterEvents"} {
		if err := s.may(method); err != nil {
			return nil, err
		}
	}
	if err := s.may("EventSetCreate"); err != nil {
		return nil, err
	}
	set, code := s.api.EventSetCreate()
	if err := failure("EventSetCreate", code); err != nil {
		return nil, err
	}
	return &eventSet{session: s, set: set, uuids: make(map[nvml.Device]string)}, nil
}

var errForeignHandle = errors.New("a handle of another driver")

// Register implements gpu.Events.
func (e *eventSet) Register(of gpu.Handle, uuid string) error {
	h, ok := of.(*handle)
	if !ok {
		return errForeignHandle
	}
	if err := e.may("RegisterEvents"); err != nil {
		return err
	}
	e.mu.Lock()
	e.uuids[h.device] = uuid
	e.mu.Unlock()
	code := h.device.RegisterEvents(nvml.EventTypeXidCriticalError, e.set)
	return failure("RegisterEvents", code)
}

// Wait implements gpu.Events.
func (e *eventSet) Wait(timeout time.Duration) (xid.DriverReport, error) {
	if err := e.may("EventSetWait"); err != nil {
		return xid.DriverReport{}, err
	}
	data, code := e.api.EventSetWait(e.set, uint32(timeout.Milliseconds()))
	if timedOut(code) {
		return xid.DriverReport{}, fmt.Errorf("nvml EventSetWait: %w", gpu.ErrNotFound)
	}
	if err := failure("EventSetWait", code); err != nil {
		return xid.DriverReport{}, err
	}
	if data.EventType != nvml.EventTypeXidCriticalError {
		return xid.DriverReport{}, fmt.Errorf("nvml EventSetWait: event of type %d: %w", data.EventType, gpu.ErrNotFound)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return xid.DriverReport{UUID: e.uuids[data.Device], Code: data.EventData}, nil
}

func timedOut(code nvml.Return) bool { return code == nvml.ERROR_TIMEOUT }

// Close implements gpu.Events.
func (e *eventSet) Close() error {
	if err := e.may("EventSetFree"); err != nil {
		return err
	}
	code := e.api.EventSetFree(e.set)
	return failure("EventSetFree", code)
}
