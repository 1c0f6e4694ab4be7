package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// progress are what a job shows of life, from pass to pass. All times are the collector's own.
type progress struct {
	// movedAt is when something last moved on; the first pass counts, as nothing is called stalled that was not watched.
	movedAt time.Time
	// alive is when a process that could run the job was last seen, gone since when there has been none.
	alive, gone time.Time
	// runnerSeen says that one was, also by a process of the collector before this one.
	runnerSeen bool
	// writtenUnseen says that somebody wrote while no process lived that we know of.
	writtenUnseen bool
	// cpu was used in all at cpuAt, which is zero without one.
	cpu   float64
	cpuAt time.Time
	// ffmpeg is how many there were.
	ffmpeg reading.Value[int]
	// files is the sum of what the step's files are, filesAt when they were looked at, grown when they last changed.
	files          int64
	filesAt, grown time.Time
	filesKnown     bool
}

const (
	// cpuWindow is over how long CPU use is averaged; busyCPU is how many cores work takes at least. An idle FaceFusion whose page is open answers a
	// request every half second, which takes some hundredths of a core, and more from day to day.
	cpuWindow = 10 * time.Second
	busyCPU   = 0.2
	// filesEvery bounds the cost of looking at files, which may lie far away.
	filesEvery = 5 * time.Second
)

// observe takes in what is known now.
func (s *progress) observe(now, written time.Time, l *folderEvidence, files func() (int64, bool)) {
	if s.movedAt.IsZero() {
		s.movedAt = now
	}
	if l.runner(written) {
		s.alive, s.runnerSeen, s.gone = now, true, time.Time{}
	} else if s.gone.IsZero() {
		s.gone = now
	}
	if s.usesCPU(now, l.cpu) || l.gpuBusy.Known && l.gpuBusy.V || s.ffmpeg.Known && l.ffmpeg.Known && l.ffmpeg.V > s.ffmpeg.V {
		s.movedAt = now
	}
	s.ffmpeg = l.ffmpeg
	if now.Sub(s.filesAt) < filesEvery && !s.filesAt.IsZero() {
		return
	}
	sum, ok := files()
	if ok && s.filesKnown && sum != s.files {
		s.movedAt, s.grown = now, now
	}
	s.files, s.filesKnown, s.filesAt = sum, ok, now
}

func (s *progress) usesCPU(now time.Time, cpu reading.Value[float64]) bool {
	switch {
	case !cpu.Known:
		s.cpuAt = time.Time{}
		return false
	case s.cpuAt.IsZero():
		s.cpu, s.cpuAt = cpu.V, now
		return false
	case now.Sub(s.cpuAt) < cpuWindow:
		return false
	}
	busy := cpu.V-s.cpu >= busyCPU*now.Sub(s.cpuAt).Seconds()
	s.cpu, s.cpuAt = cpu.V, now
	return busy
}

// wrote says that the file was written: whoever did is at work.
func (s *progress) wrote(now time.Time) { s.movedAt = now }

// input sums up.
func (s *progress) input(now, written time.Time, l *folderEvidence) verdictInput {
	c := verdictInput{
		listed:        l.listed.After(written),
		runner:        l.runner(written),
		writtenUnseen: s.writtenUnseen,
		runnerSeen:    s.runnerSeen,
		unwritten:     now.Sub(written),
		growing:       !s.grown.IsZero() && now.Sub(s.grown) < growingFor,
		observable:    l.cpu.Known || l.gpuBusy.Known || s.filesKnown,
		quiet:         now.Sub(s.movedAt),
	}
	if !s.gone.IsZero() {
		c.gone = now.Sub(s.gone)
	}
	return c
}

// folderEvidence is the evidence about all instances that share a folder.
type folderEvidence struct {
	// listed is the oldest list of processes; zero where one is missing.
	listed    time.Time
	processes []Process
	cpu       reading.Value[float64]
	gpuBusy   reading.Value[bool]
	ffmpeg    reading.Value[int]
}

func gather(evidence Evidence, instances []string) *folderEvidence {
	l := &folderEvidence{}
	for i, id := range instances {
		e := evidence[id]
		if i == 0 || e.Time.Before(l.listed) {
			l.listed = e.Time
		}
		l.processes = append(l.processes, e.Processes...)
		if e.CPU.Known {
			l.cpu = reading.Known(l.cpu.V + e.CPU.V)
		}
		if e.GPUBusy.Known {
			l.gpuBusy = reading.Known(l.gpuBusy.V || e.GPUBusy.V)
		}
		if e.FFmpeg.Known {
			l.ffmpeg = reading.Known(l.ffmpeg.V + e.FFmpeg.V)
		}
	}
	return l
}

// startSlack is how exactly the start of a process is known in the time of files: the kernel counts it in ticks since a boot that it knows to the second.
const startSlack = time.Second

// runner says whether a process that runs jobs lives and is older than the last write.
func (l *folderEvidence) runner(written time.Time) bool {
	for _, p := range l.processes {
		if p.Role.runsJobs() && !p.Started.After(written.Add(startSlack)) {
			return true
		}
	}
	return false
}

// severalRunners says whether there is one more that could have written.
func (l *folderEvidence) severalRunners() bool {
	n := 0
	for _, p := range l.processes {
		if p.Role.runsJobs() {
			n++
		}
	}
	return n > 1
}
