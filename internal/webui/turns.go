package webui

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// turns says which server is asked next. Whoever owns many silent servers delays his own: owners
// take turns, no owner has more than a share of what is asked at once, and of an owner's servers
// the first of each instance comes before the second of any.
type turns struct {
	mu     sync.Mutex
	ended  sync.Cond
	owners []*ownerTurns
	// at is the owner whose turn it is.
	at, eachOwner int
	// deadline ends what did not begin.
	deadline time.Time
}

// ownerTurns are the servers of one owner that were not asked yet, and how many are asked now.
type ownerTurns struct {
	waiting []*trackedServer
	asked   int
}

func newTurns(entries []*trackedServer, eachOwner int, deadline time.Time) *turns {
	q := &turns{eachOwner: eachOwner, deadline: deadline}
	q.ended.L = &q.mu
	byOwner := make(map[string]*ownerTurns)
	for _, e := range inTurn(entries) {
		o := byOwner[e.owner]
		if o == nil {
			o = &ownerTurns{}
			byOwner[e.owner] = o
			q.owners = append(q.owners, o) // the one first whose server has waited longest
		}
		o.waiting = append(o.waiting, e)
	}
	return q
}

// inTurn sorts by which server of its instance it is, and then by who has waited longest.
func inTurn(entries []*trackedServer) []*trackedServer {
	entries = slices.Clone(entries)
	longest := func(a, b *trackedServer) int {
		return cmp.Or(a.lastAsked.Compare(b.lastAsked), compareKeys(a.key, b.key))
	}
	slices.SortFunc(entries, longest)
	rank, seen := make(map[*trackedServer]int, len(entries)), make(map[string]int)
	for _, e := range entries {
		rank[e] = seen[e.instance]
		seen[e.instance]++
	}
	slices.SortStableFunc(entries, func(a, b *trackedServer) int { return cmp.Compare(rank[a], rank[b]) })
	return entries
}

// next waits for a turn, and returns the server whose it is; nil when there is none in this look.
func (q *turns) next() *trackedServer {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if !time.Now().Before(q.deadline) {
			return nil
		}
		left := false
		for n := range q.owners {
			o := q.owners[(q.at+n)%len(q.owners)]
			left = left || len(o.waiting) > 0
			if len(o.waiting) == 0 || o.asked >= q.eachOwner {
				continue
			}
			e := o.waiting[0]
			o.waiting = o.waiting[1:]
			o.asked++
			e.turn = o
			q.at = (q.at + n + 1) % len(q.owners)
			return e
		}
		if !left {
			return nil
		}
		q.ended.Wait()
	}
}

// done ends a turn.
func (q *turns) done(e *trackedServer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.turn.asked--
	e.turn = nil
	q.ended.Broadcast()
}

// waits notes which servers had no turn, and since when. An owner who had his share waits for
// himself: that makes no observation old.
func (r *registry) waits(toAsk []*trackedServer, findings map[*trackedServer]exchangeResult, share int, now time.Time) (oldest time.Time, own int) {
	left, had := make(map[*trackedServer]bool), make(map[string]int)
	for _, e := range toAsk {
		if _, asked := findings[e]; asked {
			had[e.owner]++
		} else {
			left[e] = true
		}
	}
	for _, e := range r.servers {
		switch {
		case !left[e]:
			e.waitsSince = time.Time{}
			continue
		case e.waitsSince.IsZero():
			e.waitsSince = now
		}
		if had[e.owner] >= share {
			own++
		} else if oldest.IsZero() || e.waitsSince.Before(oldest) {
			oldest = e.waitsSince
		}
	}
	return oldest, own
}
