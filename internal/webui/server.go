package webui

import (
	"net/url"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

const (
	// missingLooks is how often in a row nothing may be where it was found before it is looked for again.
	missingPasses = 3
	// poolRetry and maxPoolRetry: a request that no thread takes stays in the server's memory until one does, even when its client is
	// gone: about 20 KB each with Gradio 5.50.0, 180 MB for a day of Passes every 10 s. So a saturated pool is asked less and less often,
	// and its end is seen a minute late at worst.
	poolRetry    = 5 * time.Second
	maxPoolRetry = time.Minute
)

// pidEntry is a server of an instance, and all that is remembered of it. The goroutine that calls Observe owns it.
type trackedServer struct {
	key
	start time.Time
	// process is the one that serves now, or served last; firstSeen is the look at which it was first seen. Configured endpoints have none.
	process   string
	firstSeen uint64
	// url is where to ask now; nil while there is nothing to ask.
	url *url.URL

	state State
	// lastReported is the state that was last told in a Change, as far as one was known.
	lastReported State
	downFrom     time.Time
	lastAsked    time.Time

	memory    processState
	queueSize reading.Value[int64]
	functions functionCounters
	probes    probeHistograms
}

// processState is what is remembered of one process of a server, and of no other.
type processState struct {
	// old says that the process may have served others before we first saw it.
	old bool
	// listened says that its port was once open.
	listened  bool
	flavour   flavour
	missing   int
	appID     reading.Value[uint64]
	noSummary bool
	// nextSummary and nextPool are when to ask again.
	nextSummary, nextPool time.Time
	poolTimeouts          int
}

func (e *trackedServer) configured() bool { return e.process == "" }

// begin hands the entry to a process. What the one before counted stays in the totals.
func (e *trackedServer) begin(process string, firstSeen uint64, m processState) {
	e.process, e.firstSeen, e.memory = process, firstSeen, m
	e.functions.restart()
}

// see takes what the process table says, which is all there is to know unless there is something to ask.
func (e *trackedServer) see(t Target) {
	e.url = nil
	switch {
	case t.NotProbed:
		e.setState(StateNotProbed)
	case t.Unknown, t.URL == nil && (t.Port != 0 || t.Process == ""):
		e.setState(StateUnknown)
	case t.URL != nil && (t.Port != 0 || t.Process == ""):
		e.url = &url.URL{Scheme: t.URL.Scheme, User: t.URL.User, Host: t.URL.Host, Path: t.URL.Path}
	default:
		e.setState(e.closed())
	}
}

// closed is the state of a living process that does not listen: it gets ready, or it has stopped serving without having ended.
func (e *trackedServer) closed() State {
	if e.memory.listened {
		return StateUnresponsive
	}
	return StateStarting
}

func (e *trackedServer) goDown(now time.Time) {
	e.url = nil
	if e.state != StateDown {
		e.setState(StateDown)
		e.downFrom = now
	}
}

func (e *trackedServer) setState(s State) {
	e.state = s
	if s != StateReady && s != StateSaturated {
		e.queueSize = reading.Value[int64]{}
	}
}

// question is what is due now.
func (e *trackedServer) question(now time.Time) question {
	m := &e.memory
	return question{url: e.url, flavour: m.flavour, pool: !now.Before(m.nextPool), summary: !m.noSummary && !now.Before(m.nextSummary)}
}

// absorb takes what a pass found that began now.
func (e *trackedServer) absorb(f finding, now time.Time, summaryInterval time.Duration) {
	e.lastAsked = now
	for _, o := range f.outcomes {
		e.probes.count(o)
	}
	e.absorbIdentity(f)
	e.absorbPool(f, now)
	e.absorbSummary(f, now, summaryInterval)
	e.queueSize = f.queueSize
	switch f.conclusion {
	case concludedReady:
		e.setState(StateReady)
	case concludedSaturated:
		e.setState(StateSaturated)
	case concludedSilent:
		e.setState(StateUnresponsive)
	case concludedRefused:
		e.absorbRefusal(now)
		return
	case concludedNotProbed:
		e.setState(StateNotProbed)
		return
	}
	e.memory.listened = true
}

// absorbIdentity notices that another process answers, and that the endpoints are elsewhere.
func (e *trackedServer) absorbIdentity(f finding) {
	m := &e.memory
	if f.appID.Known {
		if m.appID.Known && m.appID != f.appID {
			*m = processState{listened: true}
			e.functions.restart()
		}
		m.appID = f.appID
	}
	m.flavour = f.flavour
	if !f.notFound {
		m.missing = 0
		return
	}
	if m.missing++; m.missing >= missingPasses {
		m.missing, m.flavour, m.noSummary = 0, flavourUnknown, false
	}
}

func (e *trackedServer) absorbPool(f finding, now time.Time) {
	m := &e.memory
	switch {
	case !f.poolAsked:
	case f.poolTimedOut:
		m.nextPool = now.Add(min(poolRetry<<min(m.poolTimeouts, 8), maxPoolRetry))
		m.poolTimeouts++
	default:
		m.nextPool, m.poolTimeouts = time.Time{}, 0
	}
}

func (e *trackedServer) absorbSummary(f finding, now time.Time, interval time.Duration) {
	if !f.summaryAsked {
		return
	}
	// a tick that comes a little early must not wait for the next one
	e.memory.nextSummary = now.Add(interval - interval/10)
	e.memory.noSummary = f.summaryAbsent
	e.functions.known = false
	if f.summary != nil {
		e.functions.read(f.summary, e.memory.old)
	}
}

// absorbRefusal: the process lives, so it has just stopped listening, or the look at its sockets is older than this one. Behind a configured
// endpoint nothing listens, and what will is a new process.
func (e *trackedServer) absorbRefusal(now time.Time) {
	if !e.configured() {
		e.setState(e.closed())
		return
	}
	e.goDown(now)
	e.memory = processState{}
	e.functions.restart()
}

// server is the entry as others see it.
func (e *trackedServer) export() Server {
	s := Server{Instance: e.instance, Port: e.port, State: e.state}
	if e.state == StateUnknown {
		return s
	}
	s.QueueSize = e.queueSize
	s.Probes = e.probes.snapshot(e.start)
	switch e.state {
	case StateReady, StateSaturated:
		s.Functions = e.functions.snapshot(true)
	case StateDown:
		// the totals of a process that is gone are final
		s.Functions = e.functions.snapshot(false)
	}
	return s
}
