package webui

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

const (
	// missingPasses is how often in a row nothing may be where it was found before it is looked for
	// again.
	missingPasses = 3
	// poolRetry and maxPoolRetry: a request that no thread takes stays in the server's memory until
	// one does, even when its client is gone: about 20 KB each with Gradio 5.50.0, 180 MB for a day
	// of looks every 10 s. So a saturated pool is asked less and less often, and its end is seen a
	// minute late at worst.
	poolRetry    = 5 * time.Second
	maxPoolRetry = time.Minute
)

// trackedServer is a server of an instance, and all that is remembered of it. The goroutine that
// calls Observe owns it.
type trackedServer struct {
	key
	start time.Time
	// process is the one that serves now, or served last; firstSeen is the look at which it was
	// first seen. Configured endpoints have none.
	process   string
	firstSeen uint64
	// url is where to ask now; nil while there is nothing to ask.
	url *url.URL
	// others are further addresses of the process.
	others []Address

	// state is what the exchanges say; shown, with the health check, is what others see.
	state, shown ServerState
	checked      checked
	// lastReported is the state that was last reported in a Change, as far as one was known.
	lastReported ServerState
	downFrom     time.Time
	lastAsked    time.Time
	// waitsSince is since when it waits for its turn; zero while it does not.
	waitsSince time.Time
	// owner is whose it is, see Target; turn is set while it is asked.
	owner string
	turn  *ownerTurns
	// stopped says that it does not run because somebody ended it.
	stopped bool
	// awaited says that its process has not opened the port yet, and is here because it was started
	// in place of the one that had it.
	awaited bool

	current   processState
	queueSize reading.Value[int64]
	functions functionCounters
	probes    probeHistograms
}

// processState is what is known of one process of a server, and of no other.
type processState struct {
	kind ServerKind
	// tls says that it speaks TLS, api that it is FaceFusion 4's, spoke that something once came
	// back.
	tls, api, spoke bool
	// inside says that it is observed from inside.
	inside bool
	// attempts counts the exchanges in which something came back, silent those since the last of
	// them.
	attempts, silent int
	// tried counts how often each of the other ports was asked, elsewhere is the one that is a
	// server.
	tried     map[uint16]int
	elsewhere uint16
	// nextExchange is when to ask again, for a server that is not asked in each pass.
	nextExchange time.Time
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
	e.process, e.firstSeen, e.current, e.stopped, e.awaited = process, firstSeen, m, false, false
	e.functions.restart()
}

// see takes what the process table says, which is all there is to know unless there is something to
// ask.
func (e *trackedServer) see(t Target) {
	e.url, e.others, e.owner, e.stopped, e.awaited = nil, nil, t.Owner, t.Stopped, e.awaited && t.Port == 0
	e.checked.assign(t.Check)
	switch {
	case t.NotProbed:
		e.setState(StateNotProbed)
	case t.Unknown, t.URL == nil && (t.Port != 0 || t.Process == ""):
		e.setState(StateUnknown)
	case t.URL != nil && (t.Port != 0 || t.Process == ""):
		e.url = &url.URL{Scheme: t.URL.Scheme, User: t.URL.User, Host: t.URL.Host, Path: t.URL.Path}
		e.others = t.Others
		if !slices.ContainsFunc(t.Others, func(a Address) bool { return a.Port == e.current.elsewhere }) {
			e.current.elsewhere = 0
		}
	default:
		e.setState(e.closed())
	}
}

// closed is the state of a living process that does not listen: it gets ready, or it has stopped
// serving without having ended.
func (e *trackedServer) closed() ServerState {
	if e.current.listened {
		return StateUnresponsive
	}
	return StateStarting
}

func (e *trackedServer) goDown(now time.Time) {
	e.url = nil
	if !e.isDown() {
		e.downFrom = now
	}
	e.setState(e.down())
}

// down is the state of a server that does not run.
func (e *trackedServer) down() ServerState {
	if e.stopped {
		return StateStopped
	}
	return StateDown
}

func (e *trackedServer) isDown() bool { return e.state == StateDown || e.state == StateStopped }

func (e *trackedServer) setState(s ServerState) {
	e.state = s
	if s != StateReady && s != StateSaturated {
		e.queueSize = reading.Value[int64]{}
	}
}

// question is what is due now.
func (e *trackedServer) question(now time.Time) question {
	m := &e.current
	return question{
		url: e.url, kind: m.kind, flavour: m.flavour, tls: m.tls, api: m.api, attempt: m.attempts, foundByProcess: !e.configured(),
		others: e.untried(),
		pool:   !now.Before(m.nextPool), summary: !m.noSummary && !now.Before(m.nextSummary),
	}
}

// maxTries is how often another address is asked: it may open before it answers.
const maxTries = 3

// untried are the other addresses that are still to be asked.
func (e *trackedServer) untried() []Address {
	if e.current.kind == KindGradio || e.current.kind == KindHTTP || e.current.elsewhere != 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.others), func(a Address) bool { return e.current.tried[a.Port] >= maxTries })
}

// budget is how many timeouts it may be asked for: whoever does not answer holds up no others with
// three ways of not answering.
func (e *trackedServer) budget() time.Duration {
	if e.current.silent > 0 && len(e.untried()) == 0 {
		return silentBudget
	}
	return askBudget
}

// absorb takes what a look found that began now.
func (e *trackedServer) absorb(f exchangeResult, now time.Time, settings *Settings) {
	e.lastAsked = now
	for _, o := range f.outcomes {
		e.probes.count(o)
	}
	e.absorbKind(f, now)
	e.absorbIdentity(f)
	e.absorbPool(f, now)
	e.absorbSummary(f, now, settings.SummaryInterval)
	e.queueSize = f.queueSize
	switch f.conclusion {
	case concludedReady:
		e.setState(StateReady)
	case concludedSaturated:
		e.setState(StateSaturated)
	case concludedAnswering:
		e.setState(StateAnswering)
	case concludedSilent:
		if e.current.silent >= settings.FailureThreshold {
			e.setState(StateUnresponsive)
		}
	case concludedRefused:
		e.absorbRefusal(now)
		return
	case concludedNotProbed:
		e.setState(StateNotProbed)
		return
	}
	e.current.listened = true
}

// absorbKind takes what the server turned out to be.
func (e *trackedServer) absorbKind(f exchangeResult, now time.Time) {
	m := &e.current
	if f.spoke {
		m.attempts++
		m.inside = f.inside
	}
	m.kind, m.tls, m.api, m.spoke = f.kind, f.tls, f.api, m.spoke || f.spoke
	if m.silent++; f.conclusion != concludedSilent {
		m.silent = 0
	}
	for _, port := range f.tried {
		if m.tried == nil {
			m.tried = make(map[uint16]int)
		}
		m.tried[port]++
	}
	m.elsewhere = cmp.Or(f.elsewhere, m.elsewhere)
	m.nextExchange = time.Time{}
	if interval := m.interval(); interval > 0 {
		// a pass that comes a little early must not wait for the next one
		m.nextExchange = now.Add(interval - interval/10)
	}
}

// absorbIdentity notices that another process answers, and that the endpoints are elsewhere.
func (e *trackedServer) absorbIdentity(f exchangeResult) {
	m := &e.current
	if f.appID.Known {
		if m.appID.Known && m.appID != f.appID {
			*m = processState{listened: true, kind: m.kind, tls: m.tls, spoke: true, inside: m.inside, attempts: m.attempts, nextExchange: m.nextExchange}
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
		m.kind, m.attempts = "", 0
	}
}

func (e *trackedServer) absorbPool(f exchangeResult, now time.Time) {
	m := &e.current
	switch {
	case !f.poolAsked:
	case f.poolTimedOut:
		m.nextPool = now.Add(min(poolRetry<<min(m.poolTimeouts, 8), maxPoolRetry))
		m.poolTimeouts++
	default:
		m.nextPool, m.poolTimeouts = time.Time{}, 0
	}
}

func (e *trackedServer) absorbSummary(f exchangeResult, now time.Time, interval time.Duration) {
	if !f.summaryAsked {
		return
	}
	// a tick that comes a little early must not wait for the next one
	e.current.nextSummary = now.Add(interval - interval/10)
	e.current.noSummary = f.summaryAbsent
	e.functions.known = false
	if f.summary != nil {
		e.functions.read(f.summary, e.current.old, now)
	}
}

// absorbRefusal: the process lives, so it has just stopped listening, or the look at its sockets is
// older than this one. Behind a configured endpoint nothing listens, and what will is a new
// process.
func (e *trackedServer) absorbRefusal(now time.Time) {
	if !e.configured() {
		e.setState(e.closed())
		return
	}
	e.goDown(now)
	e.current = processState{}
	e.functions.restart()
}

// show joins what the exchanges and the health check say. A process that does not listen, or is
// gone, is no matter of a check; of the rest, the check decides, and while it has failed once,
// nothing changes. A Gradio has to answer as one, too.
func (e *trackedServer) show() {
	check := e.checked.verdict()
	switch {
	case e.checked.check == nil, e.checked.last == nil:
		e.shown = e.state
	case e.checked.last.ErrorType == errorNotProbed:
		e.shown = StateNotProbed
	case e.configured() && e.checked.last.ErrorType == errorRefused:
		e.shown = e.down()
	case e.state == StateStarting, e.isDown():
		e.shown = e.state
	case e.current.kind == KindGradio && e.state != StateReady:
		e.shown = e.state
	case check != StateUnknown:
		e.shown = check
	case e.shown == StateUnknown:
		e.shown = e.state
	}
}

// export is the server as others see it.
func (e *trackedServer) export() Server {
	s := Server{Instance: e.instance, Port: e.port, State: e.shown, Health: e.checked.last}
	if e.shown == StateUnknown {
		return s
	}
	s.Kind, s.Inside = cmp.Or(e.current.kind, KindUnknown), e.current.inside
	s.QueueSize = e.queueSize
	s.Probes = e.probes.snapshot(e.start)
	switch e.state {
	case StateReady, StateSaturated:
		s.Functions = e.functions.snapshot(true)
		if s.Functions != nil {
			s.Process, s.Asked, s.Viewers = e.process, e.functions.asked, e.functions.viewers
		}
	case StateDown, StateStopped:
		// the totals of a process that is gone are final
		s.Functions = e.functions.snapshot(false)
	}
	return s
}
