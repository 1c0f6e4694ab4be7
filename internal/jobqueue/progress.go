package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// progress is what a run shows of being worked on, from pass to pass. All times are the collector's
// own.
type progress struct {
	// movedAt is when something last moved on; the first pass counts, as nothing is called stalled
	// that was not watched. ownAt is the same for what is of this very job: its file, and the files
	// of its step.
	movedAt, ownAt time.Time
	// worked says that something moved since the first pass.
	worked bool
	// cpu and serverCPU compare totals over a while; the latter by process of a web UI.
	cpu       cpuWindow
	serverCPU map[ProcessID]*cpuWindow
	// ownFFmpeg is how many ffmpegs worked on the step, nearFFmpeg how many others read its target.
	ownFFmpeg, nearFFmpeg reading.Value[int]
	// files is the sum of what the step's files are, filesAt when they were looked at, grown when
	// they last changed.
	files          int64
	filesAt, grown time.Time
	filesKnown     bool
}

const (
	// busyCPU is how many cores work takes at least, above what is used without it.
	busyCPU = 0.2
	// filesEvery bounds the cost of looking at files, which may lie far away.
	filesEvery = 5 * time.Second
)

// observe takes in what is known now. use says whose CPU time can be the run's; idle is what a web
// UI uses without any; paths are those of the step.
func (s *progress) observe(now time.Time, l *folderEvidence, use cpuUse, idle func(ProcessID) float64, paths stepPaths, files func() (int64, bool)) {
	if s.movedAt.IsZero() {
		s.movedAt, s.ownAt = now, now
	}
	cores, full := s.cpu.read(l.listed, l.cpu)
	moved := full && use.others && cores >= busyCPU
	moved = s.serverWorks(l, use, idle) || moved
	moved = moved || l.gpuBusy.Known && l.gpuBusy.V
	own, near := s.readFFmpeg(l, paths)
	if moved || own || near {
		s.movedAt, s.worked = now, true
	}
	if own {
		s.ownAt = now
	}
	if since := now.Sub(s.filesAt); since >= 0 && since < filesEvery && !s.filesAt.IsZero() {
		return
	}
	sum, ok := files()
	if ok && s.filesKnown && sum != s.files {
		s.movedAt, s.ownAt, s.grown, s.worked = now, now, now, true
	}
	s.files, s.filesKnown, s.filesAt = sum, ok, now
}

// growsOn says that the files of the step grew after the processes had gone, within the last
// minute. What is found at a look may have grown before it, so it is after the second look at the
// earliest that this is known: files that grew just before are thought to grow until then.
func (s *progress) growsOn(gone, now time.Time) bool {
	if s.grown.Sub(gone) > filesEvery {
		return now.Sub(s.grown) < growingFor
	}
	return !s.grown.IsZero() && gone.Sub(s.grown) < 2*filesEvery && s.filesAt.Sub(gone) <= filesEvery
}

// serverWorks says that a web UI that can have the run uses more than it does without any.
func (s *progress) serverWorks(l *folderEvidence, use cpuUse, idle func(ProcessID) float64) (works bool) {
	for i := range l.processes {
		p := &l.processes[i]
		if p.Role != RoleServer || !p.CPU.Known || !use.server(p.ProcessID) {
			continue
		}
		if s.serverCPU == nil {
			s.serverCPU = make(map[ProcessID]*cpuWindow)
		}
		if s.serverCPU[p.ProcessID] == nil {
			s.serverCPU[p.ProcessID] = &cpuWindow{}
		}
		cores, full := s.serverCPU[p.ProcessID].read(l.listed, p.CPU)
		works = works || full && cores >= idle(p.ProcessID)+busyCPU
	}
	return works
}

// readFFmpeg says that one more ffmpeg works on the step, or may.
func (s *progress) readFFmpeg(l *folderEvidence, paths stepPaths) (own, near bool) {
	var owned, others reading.Value[int]
	if l.ffmpeg.Known {
		o, n := paths.count(l.ffmpeg.V)
		owned, others = reading.Known(o), reading.Known(n)
		own = s.ownFFmpeg.Known && o > s.ownFFmpeg.V
		near = s.nearFFmpeg.Known && n > s.nearFFmpeg.V
	}
	s.ownFFmpeg, s.nearFFmpeg = owned, others
	return own, near
}

// wrote says that the file changed: whoever wrote it is at work.
func (s *progress) wrote(now time.Time) {
	s.worked = s.worked || !s.movedAt.IsZero()
	s.movedAt, s.ownAt = now, now
}

// cpuUse says whose CPU time can be a run's.
type cpuUse struct {
	// all says that it may be anybody's; else servers are the web UIs, and others says that it may
	// be that of runners, of programs around FaceFusion, and of children.
	all     bool
	servers []ProcessID
	others  bool
}

func (u cpuUse) server(id ProcessID) bool { return u.all || slices.Contains(u.servers, id) }

// useOf is what the holders of a claim use. Where none is known it may be anybody's.
func useOf(c *claim, l *folderEvidence) cpuUse {
	if len(c.holders) == 0 {
		return cpuUse{all: true, others: true}
	}
	var use cpuUse
	runners := false
	for i := range l.processes {
		p := &l.processes[i]
		switch held := slices.Contains(c.holders, p.ProcessID); {
		case held && p.Role == RoleServer:
			use.servers = append(use.servers, p.ProcessID)
		case held: // a runner, or a program that has the run in its own process
			use.others = true
		}
		runners = runners || p.Role == RoleRunner
	}
	// The children's time is not counted by parent: it is the web UI's where nobody else lives.
	use.others = use.others || len(use.servers) > 0 && !runners
	return use
}

// cpuWindow averages CPU use over cpuWindowLength.
type cpuWindow struct {
	total float64
	begun time.Time // zero without one
}

const cpuWindowLength = 10 * time.Second

// read returns the cores that were used in a window that is full now. at is when the processes were
// listed, which may be less often than somebody looks.
func (w *cpuWindow) read(at time.Time, total reading.Value[float64]) (cores float64, full bool) {
	elapsed := at.Sub(w.begun)
	switch {
	case !total.Known || at.IsZero():
		w.begun = time.Time{}
		return 0, false
	case w.begun.IsZero() || elapsed < 0:
		w.total, w.begun = total.V, at
		return 0, false
	case elapsed < cpuWindowLength:
		return 0, false
	}
	cores = (total.V - w.total) / elapsed.Seconds()
	w.total, w.begun = total.V, at
	return cores, true
}

// idleCPU learns what a process of a web UI uses without a run: the least of the last minutes. Each
// open tab asks twice a second, and Gradio keeps every event and goes through all of them for the
// next: an idle web UI was seen to use 24 % of a core. Tabs use that at any time, and what else a
// web UI computes without a job, such as a preview on the CPU, it does in between: so the least is
// the tabs', however many previews there were. Too low a figure hides that a run is stalled, which
// other signs show; too high a one calls a run stalled that works.
type idleCPU struct {
	window cpuWindow
	recent [idleWindows]float64 // cores, as a ring
	seen   int                  // windows so far
}

const (
	// unlearnedIdle is what a web UI may use of which that is not known.
	unlearnedIdle = 0.25
	// idleWindows are the last five minutes; after leastWindows it is thought to be known.
	idleWindows, leastWindows = 30, 3
	// mostIdle is what tabs can use at most: one thread of Python answers all of them.
	mostIdle = 1.0
)

// observe takes in what was used. While there may be a run, nothing is learned but that tabs use no
// more than both together.
func (i *idleCPU) observe(at time.Time, total reading.Value[float64], works bool) {
	cores, full := i.window.read(at, total)
	if !full || works && (i.seen == 0 || cores >= i.used()) {
		return
	}
	i.recent[i.seen%idleWindows] = max(cores, 0)
	i.seen++
}

// used are the cores that it uses without a run.
func (i *idleCPU) used() float64 {
	least := min(mostIdle, slices.Min(i.recent[:max(1, min(i.seen, idleWindows))]))
	switch {
	case i.seen == 0:
		return unlearnedIdle
	case i.seen < leastWindows:
		return min(least, unlearnedIdle)
	default:
		return least
	}
}

// observeIdle learns of the web UIs of which no run is under way.
func (f *jobsFolder) observeIdle(l *folderEvidence) {
	for i := range l.processes {
		p := &l.processes[i]
		if s := f.served[p.ProcessID]; s != nil {
			s.idle.observe(l.listed, p.CPU, f.mayWork(p.ProcessID))
		}
	}
}

// mayWork says that a process can have a run that is under way.
func (f *jobsFolder) mayWork(id ProcessID) bool {
	for j := range f.suspects {
		if j.open() && j.attempt != nil {
			if c := &j.attempt.claim; !c.resolved || len(c.holders) == 0 || slices.Contains(c.holders, id) {
				return true
			}
		}
	}
	return false
}

// idleUse is what a process of a web UI uses without a run.
func (f *jobsFolder) idleUse(id ProcessID) float64 {
	if s := f.served[id]; s != nil {
		return s.idle.used()
	}
	return unlearnedIdle
}
