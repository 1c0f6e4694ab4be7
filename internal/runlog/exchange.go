package runlog

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
)

// Exchange holds what a receiver and the processors that name it exchange.
type Exchange struct {
	known atomic.Pointer[Known]

	mu          sync.Mutex
	processors  int
	streams     map[Key]StreamHealth
	logs        map[string]*history
	subscribers []*func()
}

// Key identifies a stream.
type Key struct {
	// Processor is the component id of the processor, Stream its name there.
	Processor, Stream string
}

// StreamHealth is how a stream is.
type StreamHealth struct {
	// Instance whose lines these are; empty while unknown.
	Instance string
	// Updated is when it last wrote.
	Updated time.Time
	Totals  logstream.Totals
	// Open are the bars that are open, the one that moved last at the end.
	Open []logstream.PhaseRun
	// Quiet are steps of which nothing was said but that they began.
	Quiet []logstream.QuietStep
}

// Finding is a record that has a cause.
type Finding struct {
	Time  time.Time
	Cause logstream.Cause
	// Text is what it said, without paths; of an exception its type and text.
	Text string
	// Job is the job that the line was joined with, empty for none; Step is its step, from 1.
	Job  string
	Step int
}

// EndedPhase is a phase that ended.
type EndedPhase struct {
	logstream.PhaseRun
	// Job is the job that it was joined with, empty for none.
	Job string
}

// history is what the streams of an instance have said.
type history struct {
	since    time.Time
	ended    logstream.Totals // of streams that are closed
	phases   []EndedPhase
	findings []Finding
	reported bool // see Report
}

const (
	// instanceLimit bounds the instances that are kept, historyLimit the phases and findings of
	// each: a step has up to ten phases.
	instanceLimit = 256
	historyLimit  = 256
)

var (
	exchangesMu sync.Mutex
	exchanges   = map[string]*Exchange{}
)

// For is the exchange of a receiver, by its component id. The Collector gives two components no
// other way to find each other than what they have in common: the process.
func For(receiver string) *Exchange {
	exchangesMu.Lock()
	defer exchangesMu.Unlock()
	e := exchanges[receiver]
	if e == nil {
		e = New()
		exchanges[receiver] = e
	}
	return e
}

// New makes an exchange that only those can use who have it.
func New() *Exchange {
	return &Exchange{streams: map[Key]StreamHealth{}, logs: map[string]*history{}}
}

// PublishInstances replaces the instances that the receiver knows.
func (e *Exchange) PublishInstances(host KnownHost, instances []KnownInstance) {
	e.publish(func(k *Known) { k.Host, k.Instances = host, instances })
}

// PublishRuns replaces the runs that the receiver knows.
func (e *Exchange) PublishRuns(runs []KnownRun) { e.publish(func(k *Known) { k.Runs = runs }) }

func (e *Exchange) publish(change func(*Known)) {
	for {
		before := e.known.Load()
		var k Known
		if before != nil {
			k = *before
		}
		change(&k)
		if e.known.CompareAndSwap(before, &k) {
			return
		}
	}
}

// Withdraw says that the receiver stops, and so knows nothing any more.
func (e *Exchange) Withdraw() { e.known.Store(nil) }

// Known is what the receiver knows; nil without one.
func (e *Exchange) Known() *Known { return e.known.Load() }

// Attach says that a processor runs, until the function that it returns is called.
func (e *Exchange) Attach() (detach func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.processors++
	return sync.OnceFunc(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.processors--
	})
}

// Attached says whether a processor runs: where none does, nothing need be waited for.
func (e *Exchange) Attached() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.processors > 0
}

// Subscribe has f called after something was said that may change how a run is judged, by the
// goroutine that said it: f must not block.
func (e *Exchange) Subscribe(f func()) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &f
	e.subscribers = append(e.subscribers, s)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for i, o := range e.subscribers {
			if o == s {
				e.subscribers = append(e.subscribers[:i:i], e.subscribers[i+1:]...)
				return
			}
		}
	}
}

// Update replaces what is known of a stream.
func (e *Exchange) Update(key Key, s StreamHealth) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.Instance != "" && e.historyOf(s.Instance, s.Updated) == nil {
		return
	}
	e.streams[key] = s
}

// Close ends a stream. Its totals stay.
func (e *Exchange) Close(key Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.streams[key]
	if !ok {
		return
	}
	delete(e.streams, key)
	if l := e.historyOf(s.Instance, s.Updated); l != nil {
		l.ended.Add(&s.Totals)
	}
}

// historyOf an instance; nil where the instance is unknown or there are too many.
func (e *Exchange) historyOf(instance string, now time.Time) *history {
	if instance == "" {
		return nil
	}
	l := e.logs[instance]
	if l == nil && len(e.logs) < instanceLimit {
		l = &history{since: now}
		e.logs[instance] = l
	}
	return l
}

// AddPhase keeps a phase that ended.
func (e *Exchange) AddPhase(instance string, p EndedPhase) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.historyOf(instance, p.Updated); l != nil {
		l.phases = appendBounded(l.phases, p)
	}
}

// AddFinding keeps a cause, and says so to the subscribers.
func (e *Exchange) AddFinding(instance string, f Finding) {
	for _, s := range e.keepFinding(instance, f) {
		(*s)()
	}
}

// Conclude keeps a cause that no line says, and counts it: the receiver has seen how the run ended.
func (e *Exchange) Conclude(instance string, f Finding) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, i := e.historyOf(instance, f.Time), f.Cause.Index(); l != nil && i >= 0 {
		l.findings = appendBounded(l.findings, f)
		l.ended.Causes[i]++
	}
}

func (e *Exchange) keepFinding(instance string, f Finding) []*func() {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.historyOf(instance, f.Time)
	if l == nil {
		return nil
	}
	l.findings = appendBounded(l.findings, f)
	return e.subscribers
}

func appendBounded[T any](list []T, item T) []T {
	if len(list) >= historyLimit {
		list = append(list[:0], list[len(list)-historyLimit/2:]...)
	}
	return append(list, item)
}
