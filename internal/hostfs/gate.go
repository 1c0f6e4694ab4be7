package hostfs

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

// The reasons why an access has no result. A caller goes on with what it knows.
var (
	// ErrPending: the answer takes longer than the caller waits.
	ErrPending = errors.New("the file system has not answered yet")
	// ErrUnresponsive: the answer takes longer than the deadline.
	ErrUnresponsive = errors.New("the file system does not respond")
	// ErrTooMany: the owner has, or all owners together have, too many accesses that hang.
	ErrTooMany = errors.New("too many file systems do not respond")
)

// Settings of a Gate. Zero values mean the defaults.
type Settings struct {
	// Patience is how long a caller waits for an access.
	Patience time.Duration
	// Deadline is how long an access may take before its device is called unresponsive. A disk that
	// spins up takes some seconds.
	Deadline time.Duration
	// MaxHanging is how many accesses of one owner may hang at the same time, each of which holds a
	// thread of the operating system. All owners together may have 8 times as many; the last
	// MaxHanging of those are kept for owners of which none hangs.
	MaxHanging int
	// Go starts an access; on a goroutine of its own by default. A test whose thread has rights of
	// its own runs it in place.
	Go func(access func())
}

const (
	defaultPatience   = 250 * time.Millisecond
	defaultDeadline   = 5 * time.Second
	defaultMaxHanging = 8
	// ownersHanging times MaxHanging is the bound of all owners together.
	ownersHanging = 8
)

// DeviceKey is what an access may hang on.
type DeviceKey struct {
	// Device identifies the file system, as mountinfo does.
	Device string
	// Owner is whose path it is: a user or an instance. It is part of the key where the device is
	// local: a local disk does not hang, so if an access to it does, it was led elsewhere by its
	// owner. The device of a share is the same for everybody.
	Owner string
	// Share says that a server or a program answers for the device.
	Share bool
}

// Gate runs accesses. All probes of a receiver use one, so that what hangs for one gets no request
// of another. Any goroutine may use it.
type Gate struct {
	settings Settings

	mu    sync.Mutex
	calls map[DeviceKey]map[*PendingAccess]struct{} // in flight
}

// NewGate makes a gate.
func NewGate(s Settings) *Gate {
	s.Patience = cmp.Or(s.Patience, defaultPatience)
	s.Deadline = cmp.Or(s.Deadline, defaultDeadline)
	s.MaxHanging = cmp.Or(s.MaxHanging, defaultMaxHanging)
	return &Gate{settings: s, calls: make(map[DeviceKey]map[*PendingAccess]struct{})}
}

// PendingAccess is an access in flight. It ends when its file system answers; nobody can end it
// before.
type PendingAccess struct {
	key   DeviceKey
	owner string
	begun time.Time
	// answered is when its file system answered last, or when it began.
	answered time.Time
	done     chan struct{}
}

// Done says whether the access has ended. What its function wrote may be read from then on.
func (c *PendingAccess) Done() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Await blocks until the access has ended, which may be never.
func (c *PendingAccess) Await() { <-c.done }

// Start runs access on a goroutine of its own, unless its device already keeps one waiting. The
// access must not write to what the caller uses before Done.
func (g *Gate) Start(key DeviceKey, owner string, access func()) (*PendingAccess, error) {
	return g.StartMany(key, owner, func(func()) { access() })
}

// StartMany is Start for many accesses one after the other, with work in between. They call
// answered after each: a local device that answers is not unresponsive, however long all of it
// takes. A share that is slow is, as it is for everybody.
func (g *Gate) StartMany(key DeviceKey, owner string, accesses func(answered func())) (*PendingAccess, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if err := g.refuse(key, owner, now); err != nil {
		return nil, err
	}
	c := &PendingAccess{key: key, owner: owner, begun: now, answered: now, done: make(chan struct{})}
	if g.calls[key] == nil {
		g.calls[key] = make(map[*PendingAccess]struct{})
	}
	g.calls[key][c] = struct{}{}
	run := func() { // it ends with its system call: see PendingAccess
		accesses(func() { g.answer(c) })
		g.finish(c)
	}
	if g.settings.Go != nil {
		g.mu.Unlock()
		g.settings.Go(run)
		g.mu.Lock()
	} else {
		go run()
	}
	return c, nil
}

// answer notes that the file system has answered one of many accesses.
func (g *Gate) answer(c *PendingAccess) {
	if c.key.Share {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.answered = time.Now()
}

// isUnresponsive says that an access has passed the deadline.
func (g *Gate) isUnresponsive(c *PendingAccess, now time.Time) bool {
	return now.Sub(c.answered) >= g.settings.Deadline
}

func (g *Gate) finish(c *PendingAccess) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.calls[c.key], c)
	if len(g.calls[c.key]) == 0 {
		delete(g.calls, c.key)
	}
	close(c.done)
}

// refuse says why an access must not begin.
func (g *Gate) refuse(key DeviceKey, owner string, now time.Time) error {
	var err error
	for c := range g.calls[key] {
		switch {
		case g.isUnresponsive(c, now):
			return ErrUnresponsive
		case now.Sub(c.begun) >= g.settings.Patience:
			err = ErrPending
		}
	}
	if err != nil {
		return err
	}
	own, all := 0, 0
	for _, calls := range g.calls {
		for c := range calls {
			if now.Sub(c.begun) < g.settings.Patience {
				continue
			}
			all++
			if c.owner == owner {
				own++
			}
		}
	}
	left := ownersHanging*g.settings.MaxHanging - all
	if own >= g.settings.MaxHanging || left <= 0 || own > 0 && left <= g.settings.MaxHanging {
		return ErrTooMany
	}
	return nil
}

// Wait waits for an access as long as the gate is patient, and says why it has not ended.
func (g *Gate) Wait(c *PendingAccess) error {
	if c.Done() {
		return nil
	}
	if left := g.settings.Patience - time.Since(c.begun); left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-c.done:
			return nil
		case <-timer.C:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isUnresponsive(c, time.Now()) {
		return ErrUnresponsive
	}
	return ErrPending
}

// Do runs an access and waits for its result. A result that comes too late is dropped.
func Do[T any](g *Gate, key DeviceKey, owner string, access func() (T, error)) (T, error) {
	var result T
	var err error
	call, refused := g.Start(key, owner, func() { result, err = access() })
	if refused == nil {
		refused = g.Wait(call)
	}
	if refused != nil {
		var none T
		return none, refused
	}
	return result, err
}

// Keep is Do for what has to be let go of: a result that comes too late is discarded.
func Keep[T any](g *Gate, key DeviceKey, owner string, access func() (T, error), discard func(T)) (T, error) {
	var mu sync.Mutex
	abandoned := false
	var late func()
	result, err := Do(g, key, owner, func() (T, error) {
		result, err := access()
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
		case abandoned:
			discard(result)
		default:
			late = func() { discard(result) }
		}
		return result, err
	})
	mu.Lock()
	defer mu.Unlock()
	if abandoned = IsHanging(err); abandoned && late != nil {
		late() // it came while the caller turned away
	}
	return result, err
}

// Hanging is a device that does not respond.
type Hanging struct {
	Key   DeviceKey
	Since time.Time
}

// Unresponsive lists the devices of which an access has passed the deadline, in a fixed order.
func (g *Gate) Unresponsive() []Hanging {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var list []Hanging
	for key, calls := range g.calls {
		var since time.Time
		for c := range calls {
			if g.isUnresponsive(c, now) && (since.IsZero() || c.answered.Before(since)) {
				since = c.answered
			}
		}
		if !since.IsZero() {
			list = append(list, Hanging{Key: key, Since: since})
		}
	}
	slices.SortFunc(list, func(a, b Hanging) int {
		return cmp.Or(cmp.Compare(a.Key.Device, b.Key.Device), cmp.Compare(a.Key.Owner, b.Key.Owner))
	})
	return list
}

// IsHanging says that an error means that a file system has not answered, and nothing about the
// file.
func IsHanging(err error) bool {
	return errors.Is(err, ErrPending) || errors.Is(err, ErrUnresponsive) || errors.Is(err, ErrTooMany)
}
