package trigger

import (
	"context"
	"sync"
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
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

// New makes a trigger that is not running.
func New(interval time.Duration) *Trigger {
	return &Trigger{ticks: make(chan time.Time), interval: interval, request: make(chan struct{}, 1)}
}

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

// RequestScrape asks for a scrape soon. It never blocks, from any goroutine.
func (t *Trigger) RequestScrape() {
	select {
	case t.request <- struct{}{}:
	default:
	}
}

func (t *Trigger) run(ctx context.Context) {
	ticker := time.NewTicker(t.interval)
	defer ticker.Stop()
	last := time.Time{} // when a tick was taken
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
			if time.Since(last) >= spacing {
				due = t.ticks
			}
		case <-soon:
			soon, due = nil, t.ticks
		case due <- time.Now():
			// This scrape has what was requested so far.
			last, due, soon = time.Now(), nil, nil
		}
	}
}
