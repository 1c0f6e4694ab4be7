package trigger

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A change is scraped debounce after it was noticed, so that what belongs together (a process
// exits, its server is down) comes together, and no sooner than spacing after the scrape before, so
// that a crash loop does not become a storm of scrapes.
const (
	debounce = 100 * time.Millisecond
	spacing  = 500 * time.Millisecond
)

// Trigger ticks at every interval and soon after a requested scrape. A process that was killed is
// down on the page within a second, however long the interval is.
type Trigger struct {
	ticks    chan time.Time
	interval time.Duration
	request  chan struct{}
	parts    []*Part
	// whole says that the next scrape has all parts.
	whole  atomic.Bool
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New makes a trigger that is not running.
func New(interval time.Duration) *Trigger {
	return &Trigger{ticks: make(chan time.Time), interval: interval, request: make(chan struct{}, 1)}
}

// Part is one of those that are scraped: a scrape that comes early has only the parts that asked
// for it. Sending all 700 series of a host because one job has begun would cost more than the
// interval.
type Part struct {
	trigger *Trigger
	wanted  atomic.Bool
}

// NewPart makes a part, which the first scrape has in any case. It is called before Start.
func (t *Trigger) NewPart() *Part {
	p := &Part{trigger: t}
	p.wanted.Store(true)
	t.parts = append(t.parts, p)
	return p
}

// RequestScrape asks for a scrape of the part soon. It never blocks, from any goroutine.
func (p *Part) RequestScrape() {
	p.wanted.Store(true)
	p.trigger.ask()
}

// Take reports whether the scrape that runs is to have the part. It is asked once in each scrape.
// What is wanted while one runs comes with that one or with the next, never with none.
func (p *Part) Take() bool { return p.wanted.Swap(false) }

// C is what the scrape controller listens to. It is unbuffered: a controller that was late gets one
// tick, not two at once, which would be two points of the same millisecond.
func (t *Trigger) C() <-chan time.Time { return t.ticks }

// Start is called once.
func (t *Trigger) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	t.wg.Go(func() { t.run(ctx) })
}

// Stop may be called unstarted and twice.
func (t *Trigger) Stop() {
	if t.cancel != nil {
		t.cancel()
	}
	t.wg.Wait()
}

// RequestScrape asks for a scrape of all parts soon. It never blocks, from any goroutine.
func (t *Trigger) RequestScrape() {
	t.wantAll()
	t.ask()
}

func (t *Trigger) wantAll() {
	t.whole.Store(true)
	for _, p := range t.parts {
		p.wanted.Store(true)
	}
}

func (t *Trigger) ask() {
	select {
	case t.request <- struct{}{}:
	default:
	}
}

func (t *Trigger) run(ctx context.Context) {
	ticker := time.NewTicker(t.interval)
	defer ticker.Stop()
	last := time.Time{} // when a tick was taken
	lastWhole := false  // that had all parts
	var soon <-chan time.Time
	var due chan<- time.Time // ticks while a tick is due, nil otherwise
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.request:
			if soon == nil && due == nil { // it comes with the tick that is due
				soon = time.After(max(debounce, spacing-time.Since(last)))
			}
		case <-ticker.C:
			switch since := time.Since(last); {
			case since >= spacing:
				t.wantAll()
				due = t.ticks
			case !lastWhole:
				t.wantAll()
				soon = time.After(spacing - since)
			}
		case <-soon:
			soon, due = nil, t.ticks
		case due <- time.Now():
			// This scrape has what was requested so far.
			last, due, soon = time.Now(), nil, nil
			lastWhole = t.whole.Swap(false)
		}
	}
}
