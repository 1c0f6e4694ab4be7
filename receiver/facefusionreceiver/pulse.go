package facefusionreceiver

import (
	"context"
	"sync"
	"time"
)

// A change is scraped settle after it was noticed, so that what belongs together (a process exits, its server is down) comes together,
// and no sooner than spacing after the scrape before, so that a crash loop does not become a storm of scrapes.
const (
	pulseSettle  = 100 * time.Millisecond
	pulseSpacing = 500 * time.Millisecond
)

// pulse says when to scrape: every interval, and soon after something changed. A process that was killed is down on the page within a second,
// however long the interval is.
type pulse struct {
	// C is what the scrape controller listens to. It holds nothing back: a controller that was late gets one beat, and not two at once, which would be two
	// points of the same millisecond.
	C        chan time.Time
	interval time.Duration
	change   chan struct{}
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

func newPulse(interval time.Duration) *pulse {
	return &pulse{C: make(chan time.Time), interval: interval, change: make(chan struct{}, 1)}
}

// start is called once.
func (p *pulse) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.run(ctx) })
}

// stop may be called unstarted and twice.
func (p *pulse) stop() {
	if p.cancel != nil {
		p.cancel()
	}
	p.wg.Wait()
}

// changed asks for a scrape soon. It never blocks, from any goroutine.
func (p *pulse) changed() {
	select {
	case p.change <- struct{}{}:
	default:
	}
}

func (p *pulse) run(ctx context.Context) {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	last := time.Time{} // when a beat was taken
	var soon <-chan time.Time
	var due chan<- time.Time // C while a beat is due, nil otherwise
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.change:
			if soon == nil && due == nil { // it comes with the beat that is due
				soon = time.After(max(pulseSettle, pulseSpacing-time.Since(last)))
			}
		case <-ticker.C:
			if time.Since(last) >= pulseSpacing {
				due = p.C
			}
		case <-soon:
			soon, due = nil, p.C
		case due <- time.Now():
			last, due = time.Now(), nil
		}
	}
}
