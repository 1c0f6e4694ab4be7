package jobqueue

import (
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// flight is a pass over one folder, on a goroutine of its own: the share that the folder lies on
// may not answer. Whoever observes waits for a moment; a pass that takes longer goes on by itself,
// and a later observation collects it. Until then the folder belongs to the pass.
type flight struct {
	call       *hostfs.PendingAccess
	pass       pass
	queue      Queue
	unfinished bool
	// through says that nothing is left, not even for the next time that files are looked at.
	through  bool
	sessions []session
}

// key of what a pass may hang on.
func (at *Folder) key() hostfs.DeviceKey { return at.Files.Key(at.Path) }

// depart begins a pass.
func (w *Watcher) depart(f *jobsFolder, p pass) (*flight, error) {
	fl := &flight{pass: p}
	var err error
	fl.call, err = w.gate.StartMany(f.at.key(), f.at.Instance, func(answered func()) {
		defer f.land()
		p := &fl.pass
		p.answered = answered
		f.probe(p)
		p.hints = f.hinter.Take()
		p.watching = make(map[string]bool)
		for _, path := range f.hinter.Watching() {
			p.watching[path] = true
		}
		f.pass(p)
		fl.sessions = f.listSessions(p)
		fl.queue, fl.unfinished = f.publish(p), f.unfinished()
		fl.through = !fl.unfinished && len(f.turn) == 0
	})
	if err != nil {
		f.at.close()
		return nil, err
	}
	return fl, nil
}

// observeFolder adds what a folder's pass saw to the snapshot, and says whether the pass left work.
// Of a folder that does not answer it adds what was seen last.
func (w *Watcher) observeFolder(f *jobsFolder, p pass, s *Snapshot) (unfinished bool) {
	err := f.hanging
	if f.flight == nil && err == nil {
		f.flight, err = w.depart(f, p)
	}
	if f.flight != nil {
		err = w.gate.Wait(f.flight.call)
	}
	if err != nil {
		if f.flight != nil && errors.Is(err, hostfs.ErrPending) && p.now.Sub(f.flight.pass.now) >= behindAfter {
			s.Behind = append(s.Behind, f.instances[0])
		}
		s.Queues = append(s.Queues, f.lastKnown(err, p.now)...)
		return false
	}
	landed := f.flight
	f.flight, f.last, f.sessions = nil, &landed.queue, landed.sessions
	if landed.through {
		f.throughAt = landed.pass.now
	}
	s.older(landed.pass.now)
	if landed.pass.now.Sub(f.throughAt) >= behindAfter {
		s.Behind = append(s.Behind, f.instances[0])
	}
	s.Queues = append(s.Queues, landed.queue)
	s.Changes = append(s.Changes, landed.pass.changes...)
	return landed.unfinished
}

// behindAfter is how long a folder may have work left before it is said to.
const behindAfter = 10 * time.Second

// older takes note of when a folder was looked at.
func (s *Snapshot) older(at time.Time) {
	if s.Oldest.IsZero() || at.Before(s.Oldest) {
		s.Oldest = at
	}
}

// lastKnown is what is published of a folder that does not answer; nothing where it never did and
// may still.
func (f *jobsFolder) lastKnown(err error, now time.Time) []Queue {
	unresponsive := !errors.Is(err, hostfs.ErrPending)
	switch {
	case f.last != nil:
		q := *f.last
		if unresponsive {
			q.Access = AccessUnresponsive
		}
		return []Queue{q}
	case unresponsive:
		return []Queue{{Instances: f.instances, Access: AccessUnresponsive, Scanning: true, Start: now, Restored: RestoreNone}}
	default:
		return nil
	}
}

// release closes a folder that is not observed any more; one with a pass in flight when that has
// ended, if it ever does.
func release(f *jobsFolder) {
	if f.flight == nil {
		f.close()
		return
	}
	go func() {
		f.flight.call.Await()
		f.close()
	}()
}

// identify finds out which folder a path leads to, and keeps that open.
func (w *Watcher) identify(at *Folder) (jobsdir.FileStat, Access, error) {
	if at.Path == "" {
		if at.NoPath != "" {
			return jobsdir.FileStat{}, at.NoPath, nil
		}
		return jobsdir.FileStat{}, AccessUnreachable, nil
	}
	jobs, err := at.open()
	switch {
	case hostfs.IsHanging(err):
		return jobsdir.FileStat{}, AccessUnresponsive, err
	case err == nil && jobs.Stat.IsDir():
		jobs.Permit(at.May)
		permitted, err := w.permitted(at, jobs)
		if permitted {
			at.jobs = jobs
			return jobs.Stat, AccessOpen, nil
		}
		jobs.Close()
		switch {
		case hostfs.IsHanging(err):
			return jobsdir.FileStat{}, AccessUnresponsive, err
		case err != nil:
			return jobsdir.FileStat{}, accessOf(err), nil
		}
		return jobs.Stat, AccessClaimRefused, nil
	case err == nil:
		jobs.Close()
		return jobsdir.FileStat{}, AccessAbsent, nil
	case absent(err):
		return jobsdir.FileStat{}, AccessAbsent, nil
	default:
		return jobsdir.FileStat{}, accessOf(err), nil
	}
}

// permitted says whether an instance may have the folder that its path leads to now. What it once
// had it may have, for as long as that is the same folder with the same owner and mode. What it had
// while nobody was known who could be asked is no such permission.
func (w *Watcher) permitted(at *Folder, jobs *jobsdir.JobsFolder) (bool, error) {
	if at.May == nil {
		return true, nil
	}
	claim := jobs.Claim()
	if known, there := w.permits[at.Instance]; there && known == claim {
		return true, nil
	}
	permitted, err := jobs.Permitted(at.key())
	if permitted {
		w.permits[at.Instance] = claim
	}
	return permitted, err
}
