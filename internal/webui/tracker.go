package webui

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Settings say how a Tracker looks. Zero values mean the defaults.
type Settings struct {
	// Client asks the servers that were found from their processes, which may be anybody's: its
	// transport bears no credentials. A direct one by default. Of every client only the transport
	// is used, not the redirect policy, the cookie jar or the timeout.
	Client *http.Client
	// Endpoints are the clients of configured endpoints by instance, with what the configuration
	// says of TLS, authentication, headers and proxies. Client asks where one is missing.
	Endpoints map[string]*http.Client
	// Timeout is the deadline of each request; 3 s by default.
	Timeout time.Duration
	// MaxConcurrent is how many servers are asked at once, MaxPerOwner how many of them may be one
	// user's; 32 and 8 by default.
	MaxConcurrent, MaxPerOwner int
	// SummaryInterval is how often Gradio's statistics are asked for at most; 15 s by default.
	SummaryInterval time.Duration
	// FailureThreshold is how often in a row nothing may come back before a server is unresponsive,
	// and how many health checks in a row must fail before it is unhealthy; 2 by default. One slow
	// answer of a busy server is no outage.
	FailureThreshold int
}

const (
	defaultTimeout         = 3 * time.Second
	defaultMaxConcurrent   = 32
	defaultMaxPerOwner     = 8
	defaultSummaryInterval = 15 * time.Second
	// DefaultFailureThreshold is that of Settings.
	DefaultFailureThreshold = 2
	// askBudget is how many timeouts the requests to one server may take together, silentBudget
	// those to one of which nothing came back last time.
	askBudget    = 3
	silentBudget = 1
)

func (s Settings) withDefaults() Settings {
	if s.Client == nil {
		s.Client = Direct()
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	if s.MaxConcurrent <= 0 {
		s.MaxConcurrent = defaultMaxConcurrent
	}
	if s.MaxPerOwner <= 0 {
		s.MaxPerOwner = defaultMaxPerOwner
	}
	if s.SummaryInterval <= 0 {
		s.SummaryInterval = defaultSummaryInterval
	}
	if s.FailureThreshold <= 0 {
		s.FailureThreshold = DefaultFailureThreshold
	}
	return s
}

// Tracker remembers the servers between looks. One goroutine at a time uses it.
type Tracker struct {
	settings  Settings
	client    *http.Client
	endpoints map[string]*http.Client
	registry  registry
	passes    uint64
	// askNow says that the statistics are due, whenever they were had last.
	askNow atomic.Bool
}

// NewTracker makes a Tracker that knows no server yet.
func NewTracker(settings Settings) *Tracker {
	settings = settings.withDefaults()
	t := &Tracker{
		settings: settings, client: plainClient(settings.Client), endpoints: make(map[string]*http.Client), registry: newRegistry(),
	}
	for instance, client := range settings.Endpoints {
		t.endpoints[instance] = plainClient(client)
	}
	return t
}

// AskStatistics has the next look ask for Gradio's statistics, of servers that were not asked
// within the last second. Any goroutine may call it.
func (t *Tracker) AskStatistics() { t.askNow.Store(true) }

// Close lets go of connections. There are none that it would have to wait for.
func (t *Tracker) Close() {
	t.client.CloseIdleConnections()
	for _, client := range t.endpoints {
		client.CloseIdleConnections()
	}
}

// Observe looks at all targets once. instances are the IDs of all that are known: the servers of
// others are forgotten. A server is down while a target says that its process is gone, and is
// forgotten when none does.
//
// It takes no longer than four timeouts however many servers hang: those whose turn did not come
// within the first keep the state they had, and come first at the next look; see turns for whose
// turn it is. The only error is that of the context; what such a look found is not counted.
func (t *Tracker) Observe(ctx context.Context, targets []Target, instances []string) (*Snapshot, error) {
	t.passes++
	begin := time.Now()
	t.registry.reconcile(targets, instances, t.passes, begin)
	if t.askNow.Swap(false) {
		t.registry.askStatistics(begin)
	}
	toCheck := t.registry.toCheck(begin)
	var checks []CheckResult
	var wg sync.WaitGroup
	wg.Go(func() { checks = t.checkAll(ctx, toCheck) })
	toAsk := t.registry.toAsk(begin)
	findings := t.askAll(ctx, begin, toAsk)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for e, f := range findings {
		e.absorb(f, begin, &t.settings)
	}
	for i, e := range toCheck {
		e.checked.absorb(checks[i], begin, t.settings.FailureThreshold)
	}
	t.registry.show()
	now := time.Now()
	oldest, waiting := t.registry.waits(toAsk, findings, t.settings.MaxPerOwner, begin)
	return &Snapshot{
		Time: now, Servers: t.registry.export(), Changes: t.registry.changes(now, t.passes == 1), Choices: t.registry.choices(), Over: t.registry.over, Oldest: oldest, Waiting: waiting,
	}, nil
}

// checkAll runs health checks. Those that are configured are few, and each has a deadline.
func (t *Tracker) checkAll(ctx context.Context, entries []*trackedServer) []CheckResult {
	results := make([]CheckResult, len(entries))
	turns := make(chan struct{}, t.settings.MaxConcurrent)
	var wg sync.WaitGroup
	for i, e := range entries {
		turns <- struct{}{}
		wg.Go(func() {
			results[i] = e.checked.check.ask(ctx)
			<-turns
		})
	}
	wg.Wait()
	return results
}

// askAll asks the servers, in fair turns.
func (t *Tracker) askAll(ctx context.Context, begin time.Time, entries []*trackedServer) map[*trackedServer]exchangeResult {
	findings := make(map[*trackedServer]exchangeResult, len(entries))
	var mu sync.Mutex
	var wg sync.WaitGroup
	turns := newTurns(entries, t.settings.MaxPerOwner, begin.Add(t.settings.Timeout))
	for range min(t.settings.MaxConcurrent, len(entries)) {
		wg.Go(func() {
			for e := turns.next(); e != nil; e = turns.next() {
				f := t.askServer(ctx, t.clientOf(e), e.question(begin), e.budget())
				turns.done(e)
				mu.Lock()
				findings[e] = f
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return findings
}

// clientOf gives no client with credentials to a server that was found: whoever starts a process
// that looks like FaceFusion would receive them.
func (t *Tracker) clientOf(e *trackedServer) *http.Client {
	if client := t.endpoints[e.instance]; client != nil && e.configured() {
		return client
	}
	return t.client
}

// askServer takes no longer than a budget of timeouts.
func (t *Tracker) askServer(ctx context.Context, client *http.Client, q question, budget time.Duration) exchangeResult {
	ctx, cancel := context.WithTimeout(ctx, budget*t.settings.Timeout)
	defer cancel()
	x := exchange{ctx: ctx, client: client, timeout: t.settings.Timeout, question: q}
	return x.run()
}
