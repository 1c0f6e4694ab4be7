package process

import (
	"cmp"
	"time"
)

// descriptorsPerSecond is how many descriptors are looked at for one payer: 1,024 take about 1 ms.
// FaceFusion has some dozens of them.
const descriptorsPerSecond = 1024

// triesPerSecond is how many folders are tried for the processes of one payer, 40 µs each. A host
// that boots starts some dozens of Pythons. Each search costs searchCost besides.
const (
	triesPerSecond = 2048
	searchCost     = 4
)

// maxDescendants is how many descendants of one payer's processes are followed: each costs some
// reads at each pass. What runs FaceFusion has a few.
const maxDescendants = 1024

// budget bounds the work that a payer can make us do. It is a token bucket for each: whoever takes
// more than there is pays it back before the next time, so that one large request is served.
type budget struct {
	// perSecond is how much there is.
	perSecond float64
	owners    map[string]*account
}

// payer names who pays for what a process makes us do: its user, and the container or the unit that
// it is in, as all containers may have the same users. In a user's own session all is one, as he
// may make any number of units there.
func (f *files) payer(pid int) string {
	owner := f.owner(pid)
	l, ok := f.location(pid)
	if !ok {
		return owner
	}
	return owner + " " + cmp.Or(l.Site.Session, l.Site.Outer, l.Site.Service)
}

type account struct {
	tokens float64
	at     time.Duration
}

// take says whether an owner may have n units of work now.
func (b *budget) take(owner string, n int64, now time.Duration) bool {
	if b.owners == nil {
		b.owners = make(map[string]*account)
	}
	a := b.owners[owner]
	if a == nil {
		b.drop(now)
		a = &account{tokens: b.perSecond, at: now}
		b.owners[owner] = a
	}
	a.tokens = min(b.perSecond, a.tokens+b.perSecond*(now-a.at).Seconds())
	a.at = now
	if a.tokens <= 0 {
		return false
	}
	a.tokens -= float64(n)
	return true
}

// drop forgets the owners that owe nothing.
func (b *budget) drop(now time.Duration) {
	for owner, a := range b.owners {
		if a.tokens+b.perSecond*(now-a.at).Seconds() >= b.perSecond {
			delete(b.owners, owner)
		}
	}
}

// maySearch says whether the payer of a process may have the folders around it searched now. Those
// that must wait are asked about again at the next pass.
func (t *Table) maySearch(o observation) bool {
	if len(o.argv) == 0 || !t.files.interpreter(o) || t.searches.take(t.files.payer(o.pid), searchCost, t.at) {
		return true
	}
	t.cache.postpone(o.pid)
	return false
}

// charge has the payer of a process pay for the folders that its search has tried.
func (t *Table) charge(o observation) {
	if t.files.tried == 0 {
		return // who pays is not looked up for nothing
	}
	if a := t.searches.owners[t.files.payer(o.pid)]; a != nil {
		a.tokens -= float64(t.files.tried)
	}
	t.files.tried = 0
}

// crowded says that so many descendants of a payer are followed that another one is not.
func (t *Table) crowded(pid int) bool {
	if len(t.members) < maxDescendants {
		return false
	}
	return t.followed[t.files.payer(pid)] >= maxDescendants
}

func (t *Table) dismissDescendant(payer string) {
	if t.followed[payer]--; t.followed[payer] <= 0 {
		delete(t.followed, payer)
	}
}
