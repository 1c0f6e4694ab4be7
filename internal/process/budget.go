package process

import "time"

// descriptorsPerSecond is how many descriptors are looked at for one user: 1,024 take about 1 ms.
// FaceFusion has some dozens of them.
const descriptorsPerSecond = 1024

// budget bounds the work that a user can make us do. It is a token bucket for each: whoever takes
// more than there is pays it back before the next time, so that one large request is served.
type budget struct {
	owners map[string]*account
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
		a = &account{tokens: descriptorsPerSecond, at: now}
		b.owners[owner] = a
	}
	a.tokens = min(descriptorsPerSecond, a.tokens+descriptorsPerSecond*(now-a.at).Seconds())
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
		if a.tokens+descriptorsPerSecond*(now-a.at).Seconds() >= descriptorsPerSecond {
			delete(b.owners, owner)
		}
	}
}
