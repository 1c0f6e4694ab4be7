package process

import "time"

// census remembers each process of the host with a judgement, so that the uninteresting ones are not opened again.
//
// When is a judgement final? A process can become another program without a new pid: entry points of containers end with "exec python facefusion.py",
// env, nice and gosu do nothing else, systemd has a moment between fork and exec, and FaceFusion 3.6 and later execs itself anew inside conda. So a process
// is dismissed only when it has lived for settleAge and runs neither an interpreter nor a program known to exec (mayBecome). All others stay candidates and
// are looked at again with a pause that doubles with their age, at most maxPause: a shell that execs FaceFusion after a minute is found within another.
// A program not on the list that execs FaceFusion after more than settleAge is missed.
type census struct {
	records map[int]*record
	// candidates are those of the records that may become due.
	candidates map[int]*record
	round      uint32
	due        []int
}

type verdict uint8

const (
	candidate verdict = iota // look again when due
	dismissed                // never again, while pid and inode stay
	tracked                  // FaceFusion's own or a child: read at each look
)

// record is 40 bytes for each process of the host.
type record struct {
	inode   uint64
	due     time.Duration
	ppid    int
	round   uint32
	verdict verdict
}

const (
	settleAge = 5 * time.Second
	maxPause  = time.Minute
)

func newCensus() census {
	return census{records: make(map[int]*record), candidates: make(map[int]*record)}
}

// update takes a listing and returns the pids that are new, or due. The slice is valid until the next update. What a complete listing does not have is forgotten.
func (c *census) update(entries []entry, complete bool, now time.Duration) []int {
	c.round++
	for _, e := range entries {
		r := c.records[e.pid]
		switch {
		case r == nil:
			r = &record{inode: e.inode, due: now}
			c.records[e.pid], c.candidates[e.pid] = r, r
		case r.verdict == tracked:
			r.inode = e.inode // whether it is still the same process is told by its start time
		case r.inode != e.inode:
			*r = record{inode: e.inode, due: now}
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

// sweep drops what the last listing did not have.
func (c *census) sweep() {
	for pid, r := range c.records {
		if r.round != c.round {
			c.forget(pid)
		}
	}
}

// forget drops a process that is gone.
func (c *census) forget(pid int) {
	delete(c.records, pid)
	delete(c.candidates, pid)
}

// judge stores what was seen of a process that is not FaceFusion's.
func (c *census) judge(s sighting, now time.Duration) {
	r := c.records[s.pid]
	if r == nil {
		return
	}
	r.ppid = s.stat.ppid
	if s.stat.kernel || s.stat.ended() || s.age >= settleAge && !mayBecome(s.stat.comm, s.argv) {
		c.set(s.pid, dismissed)
		return
	}
	c.set(s.pid, candidate)
	r.due = now + min(s.age, maxPause)
}

// set stores a verdict. A candidate is due at once, unless judge says later.
func (c *census) set(pid int, v verdict) {
	r := c.records[pid]
	if r == nil {
		return
	}
	r.verdict, r.due = v, 0
	if v == candidate {
		c.candidates[pid] = r
	} else {
		delete(c.candidates, pid)
	}
}
