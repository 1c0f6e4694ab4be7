package jobqueue

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// evaluateSuspects doubts what the files say. The evidence was gathered before the pass, and every
// file that is judged by it is checked here, after that: a process that is not in the evidence has
// left its last word in the folder already.
//
// All of them have their turn before any has another. What does not fit into a pass is continued
// when files are looked at the next time.
func (f *jobsFolder) evaluateSuspects(p *pass) {
	l := gather(p.evidence, f.witnesses())
	if len(f.turn) == 0 {
		f.turn = slices.SortedFunc(maps.Keys(f.suspects), earlier)
	}
	now := time.Now()
	until := later(p.deadline, now.Add(turnBudget))
	checked := p.each(f.turn, now.Add(until.Sub(now)/2), func(j *job) {
		if f.jobs[j.fileKey] == j {
			f.check(p, j.fileKey)
		}
	})
	f.readCalls(l)
	f.findMakers(p, l)
	f.declinesKnown = f.declinesKnown || l.logRead
	f.expireUses(p, l)
	evaluated := p.each(f.turn[:checked], until, func(j *job) { f.evaluateSuspect(p, j, l) })
	f.keepClaims(f.turn[:evaluated])
	if f.turn = f.turn[evaluated:]; len(f.turn) == 0 {
		f.turn = nil // it keeps no job that went
	}
	f.observeIdle(l)
	f.restDoors()
}

// turnBudget is what a folder gets for them at least, whatever its files take.
const turnBudget = 2 * leastBudget

// each does something for each job until then, and for a few in any case. It returns for how many
// it was done.
func (p *pass) each(jobs []*job, until time.Time, do func(*job)) int {
	for i, j := range jobs {
		if i >= fewSuspects && time.Now().After(until) {
			return i
		}
		do(j)
		p.step()
	}
	return len(jobs)
}

func (f *jobsFolder) evaluateSuspect(p *pass, j *job, l *folderEvidence) {
	if f.jobs[j.fileKey] != j || j.attempt == nil {
		return
	}
	switch {
	case j.settling():
		f.settleFailure(p, j, l)
	case j.dir == jobsdir.Queued && j.unparsableSince.IsZero():
		f.evaluate(p, j, l)
	}
}

// earlier sorts by when a run was seen to start: the first to start is the first to be given a
// process.
func earlier(a, b *job) int {
	if a.attempt == nil || b.attempt == nil {
		return cmp.Compare(a.name, b.name)
	}
	return cmp.Or(a.attempt.claim.seen.Compare(b.attempt.claim.seen), a.doc.Created.Compare(b.doc.Created), cmp.Compare(a.name, b.name))
}

func (f *jobsFolder) evaluate(p *pass, j *job, l *folderEvidence) {
	a := j.attempt
	base := a.state()
	if base == StateWaiting || a.run.Outcome != "" {
		return // an end is final
	}
	if r := j.rerun; r != nil {
		if l.listed.Sub(r.seen) >= claimGrace || p.now.Sub(r.seen) >= rerunFor {
			f.decideRerun(p, j, l)
			j.attempt.absorb(&j.doc, j.written)
		}
		return
	}
	f.claim(p, j, l)
	if a.claim.noteTemps(l) {
		j.progress.filesKnown, j.progress.filesAt = false, time.Time{} // more files are no growth
	}
	j.progress.observe(p.now, l, useOf(&a.claim, l), f.idleUse, f.stepPaths(j), func() (int64, bool) { return f.stepFiles(j) })
	in := f.verdictInput(p, j, l)
	switch v, basis, reason := judge(in, f.settings.StallAfter); {
	case v == verdictOrphaned:
		// What it rests on may be younger than what was read of the file.
		wrote := j.wroteSeen
		if f.check(p, j.fileKey); f.jobs[j.fileKey] == j && j.wroteSeen.Equal(wrote) && a.run.Outcome == "" {
			f.orphan(p, j, p.now, basis, reason)
		}
	case v == verdictStalled && j.state != StateStalled:
		f.transitionOn(p, j, StateStalled, p.now, basis)
	case v == verdictNone && j.state != base:
		f.transitionOn(p, j, base, p.now, basis)
	}
}

// claim finds the processes that can have a run.
func (f *jobsFolder) claim(p *pass, j *job, l *folderEvidence) {
	c, d := &j.attempt.claim, doorOf(j.attempt)
	if c.seen.IsZero() {
		c.seen = p.now
	}
	latest := c.seen
	if j.historic && !f.shared() && !c.unseen {
		latest = j.written // of this host's own clock, as the start of a process is
	}
	if !c.resolved {
		c.resolve(d, l, latest, f.takenFor(j, l))
		f.shareOwn(j, l)
	}
	if c.queueCalls == nil {
		c.queueCalls = make(map[ProcessID]int64)
		for _, id := range c.holders {
			if s := f.served[id]; s != nil && s.queue.Rest.Known {
				c.queueCalls[id] = s.queue.Rest.V
			}
		}
	}
	f.excludeServers(j, l)
}

// processUse is the only run of a process's life: the name of its job, and since when the process
// has been gone.
type processUse struct {
	name string
	gone time.Time
}

// expireUses forgets processes that are gone. A list of processes may miss one once.
func (f *jobsFolder) expireUses(p *pass, l *folderEvidence) {
	if l.listed.IsZero() {
		return
	}
	for id, use := range f.usedUp {
		switch {
		case l.alive(id):
			use.gone = time.Time{}
		case use.gone.IsZero():
			use.gone = p.now
		case p.now.Sub(use.gone) >= longAgo:
			delete(f.usedUp, id)
			f.dirty = true
			continue
		}
		f.usedUp[id] = use
	}
}

// excludeServers drops a web UI whose job runner was not called since it rested, says Gradio. Where
// nobody else can have the run, somebody has it who was not seen in time.
func (f *jobsFolder) excludeServers(j *job, l *folderEvidence) {
	c := &j.attempt.claim
	if doorOf(j.attempt) != doorQueue || len(c.holders) == 0 || !c.resolved {
		return
	}
	least := callsSettle
	if len(c.holders) == 1 {
		least = callsSettleAlone
	}
	c.holders = slices.DeleteFunc(c.holders, func(id ProcessID) bool {
		calls, s := l.callsOf(id), f.served[id]
		return calls != nil && s != nil && calls.Time.Sub(c.seen) >= least && s.queue.At.Equal(calls.Time) && s.queue.Requests == c.queueCalls[id]
	})
}

// callsSettle is how long after the start of a run Gradio has counted the call that it came by: the
// call that waits for it to start ends then. callsSettleAlone is the same where more rests on it.
const callsSettle, callsSettleAlone = 5 * time.Second, 30 * time.Second

func (f *jobsFolder) verdictInput(p *pass, j *job, l *folderEvidence) verdictInput {
	c, s := &j.attempt.claim, &j.progress
	wrote := j.wroteSeen
	if j.historic && !f.shared() && j.written.Before(wrote) && !s.worked {
		wrote = j.written
	}
	in := verdictInput{
		listed:        l.listed.After(wrote),
		held:          len(c.holders) > 0,
		alive:         c.follow(l, p.now),
		unwritten:     p.now.Sub(wrote),
		writtenUnseen: c.unseen,
		shared:        f.shared(),
		observable:    l.cpu.Known || len(s.serverCPU) > 0 || l.gpuBusy.Known || s.filesKnown,
		quiet:         p.now.Sub(s.movedAt),
		ownQuiet:      p.now.Sub(s.ownAt),
	}
	in.growing = !s.grown.IsZero() && p.now.Sub(s.grown) < growingFor
	if in.held && !in.alive {
		in.exit, in.gone = f.exitOf(j, l), p.now.Sub(c.goneSince)
		in.growing = s.growsOn(c.goneSince, p.now)
	}
	if id, ok := c.only(); ok && in.alive && f.served[id] != nil {
		d := doorOf(j.attempt)
		in.nextJob = f.nextJob(j, id, l)
		in.failedCall = f.current(j, id) && f.served[id].door(d).unexplained(c.seen)
	}
	return in
}

// nextJob says that the web UI that has the run took another: each of its doors lets one in at a
// time.
func (f *jobsFolder) nextJob(j *job, id ProcessID, l *folderEvidence) bool {
	if doorOf(j.attempt) == doorInstant {
		return len(l.liveServers()) == 1 && f.served[id].newest.After(j.doc.Created)
	}
	return !f.current(j, id)
}

// current says that of the runs that a web UI has by one door this one is the last to have started.
func (f *jobsFolder) current(j *job, id ProcessID) bool {
	d := doorOf(j.attempt)
	for other := range f.suspects {
		if other == j || other.attempt == nil || other.attempt.run.Outcome != "" || !other.attempt.running() || doorOf(other.attempt) != d {
			continue
		}
		if only, ok := other.attempt.claim.only(); ok && only == id && other.attempt.claim.seen.After(j.attempt.claim.seen) {
			return false
		}
	}
	return true
}

// restDoors accounts for what Gradio counted while a web UI had no run: it was no run's.
func (f *jobsFolder) restDoors() {
	busy := make(map[ProcessID][doorInstant + 1]bool)
	for j := range f.suspects {
		if j.attempt == nil || j.attempt.run.Outcome != "" && !j.settling() {
			continue
		}
		d := doorOf(j.attempt)
		if d.ownProcess() || !j.settling() && !j.attempt.running() {
			continue
		}
		for _, id := range j.attempt.claim.holders {
			doors := busy[id]
			doors[d] = true
			busy[id] = doors
		}
		if !j.attempt.claim.resolved {
			return // it is not known yet whose it is
		}
	}
	for id, s := range f.served {
		doors := busy[id]
		if !doors[doorInstant] {
			f.dirty = s.instant.rest() || f.dirty
		}
		if !doors[doorQueue] {
			f.dirty = s.queue.rest() || f.dirty
		}
		f.dirty = s.queue.noteRest(!doors[doorQueue]) || f.dirty
	}
}

// stepFiles looks at the files of the step that runs, or of the last one while they are joined.
func (f *jobsFolder) stepFiles(j *job) (int64, bool) {
	if step := j.step(); step >= 0 {
		return stepFiles(&f.at, j.doc.Paths(step), j.attempt.claim.temps)
	}
	return 0, false
}

func (f *jobsFolder) stepPaths(j *job) stepPaths {
	if step := j.step(); step >= 0 {
		return pathsOf(&f.at, j.doc.Paths(step))
	}
	return stepPaths{}
}

// step is the one that runs, or the last one while they are joined; -1 where none is known.
func (j *job) step() int {
	i := j.attempt.current()
	if i < 0 {
		i = j.attempt.last()
	}
	if i < 0 || i >= len(j.doc.Steps) {
		return -1
	}
	return i
}

// shared says that other hosts may use the folder: their processes cannot be seen, and their clocks
// are others.
func (f *jobsFolder) shared() bool { return f.dirs[jobsdir.Queued].Remote() }
