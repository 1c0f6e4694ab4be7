package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// door is by which way FaceFusion came to a run, as far as the job's id shows. It says which
// processes can have the run.
type door uint8

const (
	// doorQueue: a job that lay in the queue. The job runner of a web UI takes it, or job-run,
	// job-run-all, job-retry.
	doorQueue door = iota
	// doorInstant: the instant runner of a web UI made the job. A web UI has one such run at a
	// time.
	doorInstant
	// doorHeadless and doorBatch: a process made the job for itself, runs it and ends.
	doorHeadless
	doorBatch
)

func doorOf(a *attempt) door {
	if !a.inOneGo {
		return doorQueue
	}
	switch a.run.Origin {
	case jobfile.OriginUI:
		return doorInstant
	case jobfile.OriginHeadless:
		return doorHeadless
	case jobfile.OriginBatch:
		return doorBatch
	default:
		return doorQueue
	}
}

// ownProcess says that a process has one such run in its life, and the run one such process.
func (d door) ownProcess() bool { return d == doorHeadless || d == doorBatch }

// lets says whether a process can have such a run. A command that is not known can be any.
func (d door) lets(p *LiveProcess) bool {
	switch p.Role {
	case RoleServer:
		return d == doorInstant || d == doorQueue
	case RoleRunner:
		switch d {
		case doorInstant:
			return false
		case doorHeadless:
			return p.Command == "headless-run" || p.Command == ""
		case doorBatch:
			return p.Command == "batch-run" || p.Command == ""
		default:
			return p.Command != "headless-run" && p.Command != "batch-run"
		}
	default:
		return false
	}
}

// claim is which processes can have a run: those that lived when the run was first seen to have
// started. A process that starts later has not started this run.
type claim struct {
	// seen is when the run was first seen to have started, by our own clock.
	seen time.Time
	// holders are sorted by their start. They stay when they exit.
	holders []ProcessID
	// early are those that were listed before the run was seen: one that had exited by then cannot
	// have it.
	early []LiveProcess
	// program: a program around FaceFusion is among the holders; runner: a runner is, or was while
	// it lived.
	program, runner bool
	// resolved: the processes were listed since, so nobody is added any more.
	resolved bool
	// aliveAt is when a holder was last seen alive, exitAt when the last of them was noticed to
	// have exited.
	aliveAt, exitAt time.Time
	// goneSince is since when no holder lives; zero while one does, and where there never was one.
	goneSince time.Time
	// queueCalls is how often the job runners of web UIs had been called when the run was claimed.
	queueCalls map[ProcessID]int64
	// unseen: the file changed after all holders had gone.
	unseen bool
	// temps are the folders for temporary files of those that can have the run.
	temps []string
}

const (
	// startSlack is how exactly the start of a process is known: the kernel counts it in ticks
	// since a boot that it knows to the second.
	startSlack = time.Second
	// overtakesWithin is how much later a process may start and still be the first to come to its
	// job.
	overtakesWithin = 10 * time.Second
	// exitKnown is how long it takes at most until it is known how a process ended.
	exitKnown = 5 * time.Second
	// listedLate is how late the process of a run of its own may be listed on a busy host.
	listedLate = 10 * time.Second
	// claimGrace is how late a process may be found that started before its run.
	claimGrace = time.Second
)

// resolve adds the processes that can have the run. latest is when they have started at the latest;
// taken says that a process has another run.
func (c *claim) resolve(d door, l *folderEvidence, latest time.Time, taken func(ProcessID) bool) {
	if c.resolved || l.listed.IsZero() {
		return
	}
	fitting := slices.DeleteFunc(slices.Clone(l.processes), func(p LiveProcess) bool {
		return !d.lets(&p) || !startedBefore(l, &p, latest) || taken(p.ProcessID)
	})
	if d.ownProcess() && !l.listed.After(c.seen) {
		c.early = fitting
		return
	}
	if d.ownProcess() {
		unknown := false
		var vanished []LiveProcess
		for _, p := range c.early { // those that have exited since
			switch {
			case l.alive(p.ProcessID) || taken(p.ProcessID):
			case l.exitOf(p.ProcessID, c.seen) != nil:
				fitting = append(fitting, p)
			case l.listed.Sub(c.seen) < exitKnown:
				unknown = true
			case l.exitOf(p.ProcessID, time.Time{}) == nil:
				vanished = append(vanished, p) // the collector was not there
			}
		}
		if unknown && len(fitting) == 0 {
			return // how it ended is not known yet
		}
		if len(fitting) == 0 {
			fitting = vanished
		}
		if len(fitting) == 0 && l.listed.Sub(c.seen) < listedLate {
			return
		}
		c.early = nil
	}
	slices.SortFunc(fitting, func(a, b LiveProcess) int { return a.Started.Compare(b.Started) })
	if d == doorQueue {
		fitting = withoutYounger(fitting, l, latest)
	}
	for i := range fitting {
		// Of several processes of one command the first to start is the first to have a job, unless
		// they started so close together that the other may have been faster.
		if d.ownProcess() && i > 0 && !overtakes(l, &fitting[0], &fitting[i], latest) {
			break
		}
		if !slices.Contains(c.holders, fitting[i].ProcessID) {
			c.holders = append(c.holders, fitting[i].ProcessID)
			c.runner = c.runner || fitting[i].Role == RoleRunner
		}
	}
	c.resolved = l.listed.Sub(c.seen) >= claimGrace || d.ownProcess() && len(c.holders) > 0
	if c.resolved && (len(c.holders) == 0 || d == doorQueue && !c.runner && slices.ContainsFunc(c.holders, l.alive)) {
		c.addPrograms(l, latest)
	}
}

// importsTake is what FaceFusion takes at least from its start to its first job: it imports its
// libraries.
const importsTake = 500 * time.Millisecond

// withoutYounger drops the runners that had just started when the run was seen, where another is
// older.
func withoutYounger(sorted []LiveProcess, l *folderEvidence, latest time.Time) []LiveProcess {
	older := func(p *LiveProcess) bool {
		return p.Role == RoleRunner && l.listed.Sub(p.Started)-importsTake >= l.listed.Sub(latest)
	}
	if !slices.ContainsFunc(sorted, func(p LiveProcess) bool { return older(&p) }) {
		return sorted
	}
	return slices.DeleteFunc(sorted, func(p LiveProcess) bool { return p.Role == RoleRunner && !older(&p) })
}

// overtakes says that a process may have come to its job before one that started earlier.
func overtakes(l *folderEvidence, first, p *LiveProcess, latest time.Time) bool {
	return p.Started.Sub(first.Started) <= overtakesWithin && l.listed.Sub(p.Started)-importsTake >= l.listed.Sub(latest)
}

// addPrograms adds programs around FaceFusion, which call its code as they like. Most only start
// FaceFusion's own processes, so they come last: a runner lives to run jobs and for nothing else,
// also one that has ended before all was known.
func (c *claim) addPrograms(l *folderEvidence, latest time.Time) {
	for i := range l.processes {
		if p := &l.processes[i]; (p.Role == RoleService || p.Role == RoleWorker) && startedBefore(l, p, latest) {
			c.holders = append(c.holders, p.ProcessID)
			c.program = true
		}
	}
}

// startedBefore compares ages, which a step of the host's clock leaves alone: both are as of the
// listing.
func startedBefore(l *folderEvidence, p *LiveProcess, at time.Time) bool {
	return l.listed.Sub(p.Started)+startSlack >= l.listed.Sub(at)
}

// follow notes whether a holder lives.
func (c *claim) follow(l *folderEvidence, now time.Time) (alive bool) {
	alive = slices.ContainsFunc(c.holders, l.alive)
	switch {
	case alive:
		c.goneSince, c.aliveAt = time.Time{}, now
	case c.goneSince.IsZero() && len(c.holders) > 0:
		c.goneSince = now
	}
	return alive
}

// exit is how the holders ended: the one of a single holder, and of several what they have in
// common.
func (c *claim) exit(l *folderEvidence) LossReason {
	var all LossReason
	for _, id := range c.holders {
		exit := l.exitOf(id, c.seen.Add(-startSlack))
		switch {
		case exit == nil || exit.Reason == "":
			return ""
		case all != "" && all != exit.Reason:
			all = ReasonGone
		default:
			all = exit.Reason
		}
		c.exitAt = later(c.exitAt, exit.Time)
	}
	return all
}

// reset is for a file that changed after all holders had gone: somebody else has the run.
func (c *claim) reset(now time.Time) {
	*c = claim{seen: now, unseen: true}
}

// only says that a process is the only one that can have the run.
func (c *claim) only() (ProcessID, bool) {
	if c.resolved && len(c.holders) == 1 {
		return c.holders[0], true
	}
	return ProcessID{}, false
}
