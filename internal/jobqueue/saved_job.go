package jobqueue

import (
	"cmp"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// savedJob is what is kept of a job that has not ended. What its file says is read again; what it
// said before, and when, is here.
type savedJob struct {
	Name    string        `json:"n"`
	Dir     int           `json:"p,omitempty"`
	Inode   uint64        `json:"i"`
	State   JobState      `json:"s"`
	Since   savedTime     `json:"t,omitempty"`
	Created savedTime     `json:"c,omitempty"`
	Written savedTime     `json:"w,omitempty"`
	Queued  savedTime     `json:"q,omitempty"`
	Seen    savedTime     `json:"W,omitempty"` // when we saw what Written says
	Moved   savedTime     `json:"m,omitempty"` // when something of it moved last
	Broken  savedTime     `json:"b,omitempty"`
	Failed  *savedFailure `json:"f,omitempty"`
	Number  int           `json:"a"`
	Adopted bool          `json:"o,omitempty"`
	Read    bool          `json:"r,omitempty"`
	Attempt *savedAttempt `json:"A,omitempty"`
	// Maker is who made it, where its id does not show it.
	Maker jobfile.Origin `json:"M,omitempty"`
}

// savedFailure is kept of a run that has failed, while it is not known whether it was stopped.
type savedFailure struct {
	End  savedTime
	Seen savedTime
}

// savedClaim is which processes can have a run.
type savedClaim struct {
	Seen    savedTime
	Holders []ProcessID
	Settled bool
	Program bool
	Runner  bool          `json:",omitempty"`
	Early   []LiveProcess `json:",omitempty"`
	Unseen  bool
	Calls   []savedCalls `json:",omitempty"`
}

// savedCalls is how often the job runner of a web UI had been called when a run was claimed.
type savedCalls struct {
	ProcessID
	Calls int64
}

// savedAttempt is what is kept of a run that has begun. One that waits begins with what its file
// says.
type savedAttempt struct {
	Statuses  []int         `json:"r"`
	Updated   savedTime     `json:"u,omitempty"`
	Leftover  []bool        `json:"l,omitempty"`
	Counted   []bool        `json:"k,omitempty"`
	InOneGo   bool          `json:"g,omitempty"`
	Media     jobfile.Media `json:"m,omitempty"`
	Outcome   Outcome       `json:"e,omitempty"`
	Started   savedTime     `json:"b,omitempty"`
	Ended     savedTime     `json:"d,omitempty"`
	Contended bool          `json:"c,omitempty"`
	Basis     Basis         `json:"B,omitempty"`
	Reason    LossReason    `json:"R,omitempty"`
	Claim     savedClaim    `json:"C"`
	Steps     []savedRun    `json:"s"`
}

// savedRun is what is kept of a step.
type savedRun struct {
	jobfile.Traits
	Outcome Outcome   `json:"e,omitempty"`
	Started savedTime `json:"b,omitempty"`
	Ended   savedTime `json:"d,omitempty"`
	Target  string    `json:"t,omitempty"`
	Output  string    `json:"o,omitempty"`
}

// savedTime is in nanoseconds since 1970; zero where it is not known.
type savedTime int64

func saveTime(t time.Time) savedTime {
	if t.IsZero() {
		return 0
	}
	return savedTime(t.UnixNano())
}

func (s savedTime) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(s))
}

func saveReading(v reading.Value[time.Time]) savedTime {
	if !v.Known {
		return 0
	}
	return saveTime(v.V)
}

func (s savedTime) reading() reading.Value[time.Time] {
	return reading.Value[time.Time]{V: s.time(), Known: s != 0}
}

// markDirty says that a job is not what was saved of it.
func (f *jobsFolder) markDirty(name string) { f.dirtyJobs.add(hashName(name)) }

// appendJobs adds the shards of jobs that changed.
func (f *jobsFolder) appendJobs(records []StateRecord) []StateRecord {
	var values [shardCount][]savedJob
	for _, j := range f.jobs {
		if shard := shardOf(hashName(j.name)); f.dirtyJobs[shard] {
			values[shard] = append(values[shard], j.save())
		}
	}
	for shard, changed := range f.dirtyJobs {
		switch {
		case !changed:
		case values[shard] == nil:
			records = append(records, StateRecord{Key: jobsKey(f.key, shard)})
		default:
			records = append(records, StateRecord{jobsKey(f.key, shard), marshal(values[shard])})
		}
	}
	return records
}

func (j *job) save() savedJob {
	s := savedJob{
		Name: j.name, Dir: j.dir, Inode: j.stat.Ino, State: j.state, Since: saveTime(j.since), Created: saveTime(j.doc.Created), Written: saveTime(j.written),
		Broken: saveTime(j.unparsableSince), Number: j.number, Adopted: j.historic, Read: j.understood,
		Seen: saveTime(j.wroteSeen), Moved: saveTime(j.progress.ownAt), Maker: j.maker,
	}
	if j.settling() {
		s.Failed = &savedFailure{End: saveTime(j.failedEnd), Seen: saveTime(j.failedSeen)}
	}
	a := j.attempt
	if a != nil {
		s.Queued = saveReading(a.run.Queued)
	}
	if a != nil && (a.state() != StateWaiting || slices.Contains(a.leftover, true)) {
		s.Attempt = a.save()
	}
	return s
}

func (a *attempt) save() *savedAttempt {
	r := &a.run
	s := &savedAttempt{
		Updated: saveTime(a.updated), Leftover: a.leftover, Counted: a.counted, InOneGo: a.inOneGo, Media: r.Media, Outcome: r.Outcome,
		Started: saveReading(r.Started), Ended: saveReading(r.Ended), Contended: r.Contended, Basis: r.Basis, Reason: r.Reason,
		Claim: a.claim.save(),
	}
	for _, status := range a.raw {
		s.Statuses = append(s.Statuses, int(status))
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		s.Steps = append(s.Steps, savedRun{step.Traits, step.Outcome, saveReading(step.Started), saveReading(step.Ended), step.Target, step.Output})
	}
	return s
}

func (c *claim) save() savedClaim {
	s := savedClaim{Seen: saveTime(c.seen), Holders: slices.Clone(c.holders), Settled: c.resolved, Program: c.program, Runner: c.runner, Early: slices.Clone(c.early), Unseen: c.unseen}
	for id, calls := range c.queueCalls {
		s.Calls = append(s.Calls, savedCalls{id, calls})
	}
	slices.SortFunc(s.Calls, func(a, b savedCalls) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.StartTicks, b.StartTicks))
	})
	return s
}

func (s *savedClaim) restore() claim {
	c := claim{seen: s.Seen.time(), holders: s.Holders, resolved: s.Settled, program: s.Program, runner: s.Runner, early: s.Early, unseen: s.Unseen}
	if s.Calls != nil {
		c.queueCalls = make(map[ProcessID]int64)
	}
	for _, calls := range s.Calls {
		c.queueCalls[calls.ProcessID] = calls.Calls
	}
	return c
}

func (s *savedClaim) same(other *savedClaim) bool {
	return s.Seen == other.Seen && s.Settled == other.Settled && s.Program == other.Program && s.Runner == other.Runner && s.Unseen == other.Unseen &&
		slices.Equal(s.Holders, other.Holders) && slices.Equal(s.Early, other.Early) && slices.Equal(s.Calls, other.Calls)
}

// keepClaims sees to it that a collector which starts anew knows who can have a run: by then the
// process may be gone.
func (f *jobsFolder) keepClaims(jobs []*job) {
	for _, j := range jobs {
		if a := j.attempt; a != nil && a.running() {
			if s := a.claim.save(); !s.same(&a.keptClaim) {
				a.keptClaim = s
				f.markDirty(j.name)
			}
		}
	}
}

// restoreJob takes a job back in, to be looked at as one whose file has changed.
func (f *jobsFolder) restoreJob(s *savedJob) {
	if s.Dir != jobsdir.Drafted && s.Dir != jobsdir.Queued && s.Dir != jobsdir.Completed && s.Dir != jobsdir.Failed || s.Name == "" {
		return
	}
	j := &job{
		fileKey: fileKey{s.Dir, s.Name}, stat: jobsdir.FileStat{Ino: s.Inode}, doc: jobfile.Document{Created: s.Created.time()}, written: s.Written.time(), understood: s.Read,
		unparsableSince: s.Broken.time(), historic: s.Adopted, number: max(1, s.Number), since: s.Since.time(),
	}
	j.wroteSeen = s.Seen.time()
	if slices.Contains(makers[:], s.Maker) {
		j.maker = s.Maker
	}
	j.progress.movedAt, j.progress.ownAt = s.Moved.time(), s.Moved.time()
	if s.Failed != nil {
		j.failedEnd, j.failedSeen = s.Failed.End.time(), s.Failed.Seen.time()
	}
	if s.Read && s.Dir != jobsdir.Drafted {
		j.attempt = s.restoreAttempt(f.runID(j, &j.doc), j.origin())
		// What the file said last, so that it is known when it is seen to say the same again.
		j.doc.Updated = j.attempt.updated
		for _, status := range j.attempt.raw {
			j.doc.Steps = append(j.doc.Steps, jobfile.PlannedStep{Status: status})
		}
		j.kept = j.sizeOf(&j.doc)
		f.kept += j.kept
	}
	f.jobs[j.fileKey] = j
	f.setState(j, s.State, j.since)
	j.since = s.Since.time()
	f.worklist.push(j.fileKey)
}

// restoreAttempt builds the attempt anew. One that waited has no steps yet: the file has them,
// unless it is gone by now.
func (s *savedJob) restoreAttempt(id RunID, origin jobfile.Origin) *attempt {
	a := newAttempt(id, origin, &jobfile.Document{})
	a.run.Queued = s.Queued.reading()
	saved := s.Attempt
	if saved == nil || len(saved.Statuses) != len(saved.Steps) || len(saved.Leftover) != len(saved.Steps) || len(saved.Counted) != len(saved.Steps) {
		return a
	}
	a.updated, a.leftover, a.counted, a.inOneGo = saved.Updated.time(), saved.Leftover, saved.Counted, saved.InOneGo
	a.run.Media, a.run.Outcome, a.run.Contended = saved.Media, saved.Outcome, saved.Contended
	a.run.Basis, a.run.Reason = saved.Basis, saved.Reason
	a.claim = saved.Claim.restore()
	a.run.Started, a.run.Ended = saved.Started.reading(), saved.Ended.reading()
	for i, step := range saved.Steps {
		a.raw = append(a.raw, jobfile.Status(saved.Statuses[i]))
		a.run.Steps = append(a.run.Steps, Step{step.Outcome, step.Started.reading(), step.Ended.reading(), step.Traits, step.Target, step.Output})
	}
	return a
}
