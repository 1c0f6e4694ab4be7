package gputest

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// events is one event set.
type events struct {
	driver  *Driver
	pending chan xid.DriverReport
	// registered is guarded by the driver.
	registered map[string]bool
}

// XID makes a GPU report an XID in every event set in which it is registered, and returns their
// number.
func (d *Driver) XID(g *GPU, code uint64) (sets int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := range d.events {
		if e.registered[g.Identity.UUID] {
			e.pending <- xid.DriverReport{UUID: g.Identity.UUID, Code: code}
			sets++
		}
	}
	return sets
}

// EventSets returns the number of open event sets.
func (d *Driver) EventSets() int { return d.locked(func() int { return len(d.events) }) }

func (s *session) Events() (gpu.Events, error) {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	if err := s.driver.script.EventsErr; err != nil {
		return nil, err
	}
	if !s.driver.script.Events {
		return nil, gpu.ErrNotSupported
	}
	e := &events{driver: s.driver, pending: make(chan xid.DriverReport, 4096), registered: make(map[string]bool)}
	if s.driver.events == nil {
		s.driver.events = make(map[*events]bool)
	}
	s.driver.events[e] = true
	return e, nil
}

func (e *events) Register(h gpu.Handle, uuid string) error {
	_, err := answer(h.(*handle), CallRegister, func(*GPU) bool { return true })
	if err != nil {
		return err
	}
	e.driver.mu.Lock()
	defer e.driver.mu.Unlock()
	e.registered[uuid] = true
	return nil
}

func (e *events) Wait(over <-chan struct{}) (xid.DriverReport, error) {
	e.driver.mu.Lock()
	err := e.driver.script.WaitErr
	e.driver.mu.Unlock()
	if err != nil {
		return xid.DriverReport{}, err
	}
	select {
	case x := <-e.pending:
		return x, nil
	case <-over:
		return xid.DriverReport{}, gpu.ErrNotFound
	case <-time.After(250 * time.Millisecond): // WaitErr may have been set meanwhile
		return xid.DriverReport{}, gpu.ErrNotFound
	}
}

func (e *events) Close() error {
	e.driver.mu.Lock()
	defer e.driver.mu.Unlock()
	delete(e.driver.events, e)
	return nil
}

// UnknownXID makes every event set report an XID of a handle that was not registered.
func (d *Driver) UnknownXID(code uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := range d.events {
		e.pending <- xid.DriverReport{Code: code}
	}
}
