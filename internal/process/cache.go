package process

import (
	"hash/maphash"
	"time"
)

// processCache remembers each process of the host with a judgement, so that the uninteresting ones
// are not opened again.
//
// When is a judgement final? A process can become another program without a new pid: entry points
// of containers end with "exec python facefusion.py", env, nice and gosu do nothing else, systemd
// has a moment between fork and exec, and FaceFusion 3.6 and later execs itself anew inside conda.
// So a process is dismissed only when it has lived for settleAge, runs neither an interpreter nor a
// program known to exec (mayBecome), and no rule awaits an answer for it. All others stay
// candidates and are looked at again with a pause that doubles with their age, at most maxPause: a
// shell that execs FaceFusion after a minute is found within another. A program not on the list
// that execs FaceFusion after more than settleAge is missed.
type processCache struct {
	records map[int]*cacheEntry
	// candidates are those of the records that may become due.
	candidates map[int]*cacheEntry
	round      uint32
	due        []int
	seed       maphash.Seed
}

type cacheState uint8

const (
	candidate cacheState = iota // look again when due
	dismissed                   // never again, while pid and inode stay
	tracked                     // FaceFusion's own or a child: read at each pass
)

// cacheEntry is 48 bytes for each process of the host.
type cacheEntry struct {
	inode uint64
	due   time.Duration
	ppid  int
	// program is a hash of the command line for which the rules of folders were asked.
	program uint64
	round   uint32
	state   cacheState
	// postponed says that it is due in the next pass whatever its age.
	postponed bool
	// asked says that the rules of folders have no answer for it yet.
	asked bool
}

const (
	settleAge = 5 * time.Second
	maxPause  = time.Minute
)

func newProcessCache() processCache {
	return processCache{records: make(map[int]*cacheEntry), candidates: make(map[int]*cacheEntry), seed: maphash.MakeSeed()}
}

// update takes a listing and returns the pids that are new, or due. The slice is valid until the
// next update. What a complete listing does not have is forgotten.
func (c *processCache) update(entries []pidEntry, complete bool, now time.Duration) []int {
	c.round++
	for _, e := range entries {
		r := c.records[e.pid]
		switch {
		case r == nil:
			r = &cacheEntry{inode: e.inode, due: now}
			c.records[e.pid], c.candidates[e.pid] = r, r
		case r.state == tracked:
			r.inode = e.inode // its start time shows whether it is still the same process
		case r.inode != e.inode:
			*r = cacheEntry{inode: e.inode, due: now}
			c.candidates[e.pid] = r
		}
		r.round = c.round
	}
	if complete && len(c.records) > len(entries) {
		c.sweep()
	}
	c.due = c.due[:0]
	for pid, r := range c.candidates {
		if now >= r.due {
			c.due = append(c.due, pid)
		}
	}
	return c.due
}

// changed says whether a process has another command line than when this was asked last.
func (c *processCache) changed(o observation) bool {
	r := c.records[o.pid]
	if r == nil {
		return true
	}
	r.asked = false
	program := maphash.String(c.seed, o.cmdline) | 1
	if r.program == program {
		return false
	}
	r.program = program
	return true
}

// postpone has changed ask again about a process, in the next pass. It is not dismissed before.
func (c *processCache) postpone(pid int) {
	if r := c.records[pid]; r != nil {
		r.program, r.postponed = 0, true
	}
}

// ask has changed ask again about a process when it is due. It is not dismissed before.
func (c *processCache) ask(pid int) {
	if r := c.records[pid]; r != nil {
		r.program, r.asked = 0, true
	}
}

// sweep drops what the last listing did not have.
func (c *processCache) sweep() {
	for pid, r := range c.records {
		if r.round != c.round {
			c.forget(pid)
		}
	}
}

// forget drops a process that is gone.
func (c *processCache) forget(pid int) {
	delete(c.records, pid)
	delete(c.candidates, pid)
}

// judge stores what was seen of a process that is not FaceFusion's.
func (c *processCache) judge(s observation, now time.Duration) {
	r := c.records[s.pid]
	if r == nil {
		return
	}
	r.ppid = s.stat.ppid
	settled := s.age >= settleAge && !r.postponed && !r.asked && !mayBecome(s.stat.comm, s.argv)
	if s.stat.kernel || s.stat.ended() || settled {
		c.set(s.pid, dismissed)
		return
	}
	c.set(s.pid, candidate)
	r.due = now + min(s.age, maxPause)
	if r.postponed {
		r.due, r.postponed = now, false
	}
}

// later puts off when a candidate is looked at again.
func (c *processCache) later(pid int, due time.Duration) {
	if r := c.records[pid]; r != nil {
		r.due = due
	}
}

// set stores a conclusion. A candidate is due at once, unless judge says later.
func (c *processCache) set(pid int, v cacheState) {
	r := c.records[pid]
	if r == nil {
		return
	}
	r.state, r.due = v, 0
	if v == candidate {
		c.candidates[pid] = r
	} else {
		delete(c.candidates, pid)
	}
}
