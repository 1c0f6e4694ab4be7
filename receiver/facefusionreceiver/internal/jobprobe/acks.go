package jobprobe

import (
	"context"
	"sync"
)

// acks removes delivered batches from the storage in the background. A pass over the jobs folders
// does that as well, but a delivery is no reason for one: after a long absence a thousand batches
// arrive within seconds.
type acks struct {
	// Removes what was acknowledged; what fails is tried again by the next pass, which reports it
	save    func() error
	pending chan struct{}
	done    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
}

func newAcks(save func() error) *acks {
	return &acks{save: save, pending: make(chan struct{}, 1), done: make(chan struct{})}
}

// request asks for a removal; it never blocks, from any goroutine, and several requests at once are
// one.
func (a *acks) request() {
	select {
	case a.pending <- struct{}{}:
	default:
	}
}

func (a *acks) start() {
	a.wg.Go(func() {
		for {
			select {
			case <-a.pending:
				_ = a.save()
			case <-a.done:
				return
			}
		}
	})
}

// stop waits for the removal in progress. It may be called twice; requests after it do nothing.
func (a *acks) stop() {
	a.stopped.Do(func() { close(a.done) })
	a.wg.Wait()
}

// saveAcks removes what was acknowledged, beside the passes.
func (p *Probe) saveAcks() error {
	p.storing.Lock()
	defer p.storing.Unlock()
	return p.persister.Save(context.Background(), nil, nil)
}
