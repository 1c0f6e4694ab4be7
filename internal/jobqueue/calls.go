package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// served is what is known of one process of a web UI, whose runs come one at a time through each of
// its two doors.
type served struct {
	instant, queue servedDoor
	// idle is what it uses without a run.
	idle idleCPU
	// newest is when the newest job of the instant runner was created, by FaceFusion's own clock.
	newest time.Time
	// applies is how often the job manager was called, as Gradio said at that time.
	applies   int64
	appliesAt time.Time
}

// servedDoor compares what Gradio counts with the runs that were lost. Each lost run is one
// exception, which Gradio may count late: it counts anew when an event has ended after another has
// joined. So what it counts is compared in sum, never in time.
type servedDoor struct {
	// Known says that Base is set: how many exceptions were counted that belong to no run of ours.
	Known bool
	Base  int64
	// Lost are the runs that were lost since.
	Lost int64
	// Stops are the presses of the button that are accounted for.
	Stops int64
	// At is when Gradio was asked last.
	At time.Time
	// Requests, failed and stops are what it said.
	Requests      int64
	failed, stops int64
	// Rest is what Requests were when nothing of the door ran: each run since is of a call since.
	// One call of the job runner may run the whole queue. nextRest is what Rest will be if the door
	// still rests when Gradio answers again: a call that has just come may have its run yet.
	Rest     reading.Value[int64]
	nextRest reading.Value[int64]
	restAt   time.Time
}

// read takes in what Gradio says, and says whether what is kept has changed. first: the process was
// watched from its start, so that all that it counts is ours. others are calls that may be of this
// door, too.
func (d *servedDoor) read(calls *ServerCalls, run, stop string, first bool, others int64) (changed bool) {
	if !calls.Time.After(d.At) {
		return false
	}
	failed, there := calls.Functions[run]
	stops, requests := calls.Functions[stop].Requests, failed.Requests+others
	changed = requests != d.Requests
	d.At, d.stops, d.Requests = calls.Time, stops, requests
	switch {
	case !there: // it was not called yet
		failed.Failed.Known = true
	case !failed.Failed.Known:
		return changed
	}
	d.failed = failed.Failed.V
	if d.Known {
		return changed
	}
	d.Known = true
	if !first {
		d.Base, d.Stops = d.failed, stops
	}
	return true
}

// unexplained says that Gradio counts an exception that is no known run's.
func (d *servedDoor) unexplained(since time.Time) bool {
	return d.Known && d.At.After(since) && d.failed > d.Base+d.Lost
}

// rest accounts for all that was counted while no run was under way: it was no run's.
func (d *servedDoor) rest() (changed bool) {
	base, stops := max(d.Base, d.failed-d.Lost), max(d.Stops, d.stops)
	changed = d.Known && (base != d.Base || stops != d.Stops)
	if changed {
		d.Base, d.Stops = base, stops
	}
	return changed
}

// noteRest takes note of how often the door was called while it rests.
func (d *servedDoor) noteRest(rests bool) (changed bool) {
	switch {
	case !rests:
		d.nextRest = reading.Value[int64]{}
	case d.At.After(d.restAt):
		if d.nextRest.Known {
			changed = d.Rest != d.nextRest
			d.Rest = d.nextRest
		}
		d.nextRest, d.restAt = reading.Known(d.Requests), d.At
	}
	return changed
}

// otherCalls are those of the first runner of a web UI, which is the job runner where its layout
// has no instant runner. One that has made a job has one.
func (s *served) otherCalls(calls *ServerCalls) int64 {
	if s.newest.IsZero() {
		return calls.Functions["run"].Requests
	}
	return 0
}

// door is the one by which a run came.
func (s *served) door(d door) *servedDoor {
	if d == doorInstant {
		return &s.instant
	}
	return &s.queue
}

// serve returns what is known of a process of a web UI.
func (f *jobsFolder) serve(id ProcessID) *served {
	s := f.served[id]
	if s == nil {
		s = &served{}
		f.served[id] = s
	}
	return s
}

// fellSilent says that nothing of a run that a web UI can have has moved for long enough to doubt
// it, and that Gradio was not asked since. It is asked for that once: each answer costs a web UI
// more, the longer its tabs have been open.
func (f *jobsFolder) fellSilent(p *pass, j *job) bool {
	silent := j.progress.ownAt.Add(ownQuietFor)
	if j.progress.ownAt.IsZero() || p.now.Before(silent) || p.now.Sub(silent) >= settleFor || !j.attempt.running() {
		return false
	}
	return slices.ContainsFunc(j.attempt.claim.holders, func(id ProcessID) bool {
		s := f.served[id]
		return s != nil && s.door(doorOf(j.attempt)).At.Before(silent) && s.door(doorOf(j.attempt)).Known
	})
}

// readCalls takes in what Gradio says of the web UIs of the folder, and forgets those that are
// gone.
func (f *jobsFolder) readCalls(l *folderEvidence) {
	for i := range l.processes {
		p := &l.processes[i]
		if p.Role == RoleServer {
			f.serve(p.ProcessID)
		}
		if calls := l.callsOf(p.ProcessID); calls != nil && p.Role == RoleServer {
			s, first := f.served[p.ProcessID], p.Started.After(f.start.Add(startSlack))
			instant, queue := s.instant.read(calls, "run", "stop", first, 0), s.queue.read(calls, "run_1", "stop_1", first, s.otherCalls(calls))
			s.applies, s.appliesAt = calls.Functions["apply"].Requests, calls.Time
			f.dirty = f.dirty || instant || queue
		}
	}
	if !l.listed.IsZero() {
		for id := range f.served {
			if !l.alive(id) {
				delete(f.served, id)
			}
		}
	}
}
