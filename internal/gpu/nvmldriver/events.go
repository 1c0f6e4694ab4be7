//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// eventSet implements gpu.Events.
type eventSet struct {
	*session
	set nvml.EventSet

	waiter *waiter

	mu sync.Mutex
	// uuids are the UUIDs of the registered GPUs, by the driver's handle.
	uuids map[uintptr]string
}

// Events implements gpu.Session.
func (s *session) Events() (gpu.Events, error) {
	if err := errors.Join(s.may("EventSetCreate"), s.may("RegisterEvents"), s.may("EventSetFree")); err != nil {
		return nil, err
	}
	if s.direct.eventSetWait == nil {
		return nil, fmt.Errorf("nvml %s is missing: %w", symbolEventSetWait, gpu.ErrNotSupported)
	}
	set, code := s.api.EventSetCreate()
	if err := failure("EventSetCreate", code); err != nil {
		return nil, err
	}
	waiter, err := startWaiter(s.direct.eventSetWait, set)
	if err != nil {
		return nil, errors.Join(err, failure("EventSetFree", s.api.EventSetFree(set)))
	}
	return &eventSet{session: s, set: set, waiter: waiter, uuids: make(map[uintptr]string)}, nil
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
	e.uuids[uintptr(raw(h.device))] = uuid
	e.mu.Unlock()
	code := h.device.RegisterEvents(nvml.EventTypeXidCriticalError, e.set)
	return failure("RegisterEvents", code)
}

// Wait implements gpu.Events.
func (e *eventSet) Wait(over <-chan struct{}) (xid.DriverReport, error) {
	var o waitResult
	var open bool
	select {
	case <-over:
		return xid.DriverReport{}, gpu.ErrNotFound
	case o, open = <-e.waiter.outcomes:
	}
	if !open {
		return xid.DriverReport{}, errNoThread
	}
	if o.code == nvml.ERROR_TIMEOUT {
		return xid.DriverReport{}, fmt.Errorf("nvml EventSetWait: %w", gpu.ErrNotFound)
	}
	if err := failure("EventSetWait", o.code); err != nil {
		return xid.DriverReport{}, err
	}
	if o.kind != nvml.EventTypeXidCriticalError {
		return xid.DriverReport{}, fmt.Errorf("nvml EventSetWait: event of type %d: %w", o.kind, gpu.ErrNotFound)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return xid.DriverReport{UUID: e.uuids[o.device], Code: o.eventData}, nil
}

// Close implements gpu.Events.
func (e *eventSet) Close() error {
	ended := e.waiter.end()
	if err := e.may("EventSetFree"); err != nil {
		return errors.Join(ended, err)
	}
	code := e.api.EventSetFree(e.set)
	return errors.Join(ended, failure("EventSetFree", code))
}
