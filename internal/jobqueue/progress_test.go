package jobqueue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// clip and other are what the arguments of ffmpegs name.
var clip, other = [][]string{{"/in/clip.mp4"}, {"/in/clip.mp4", "/in/other.mp4"}}, [][]string{{"/in/other.mp4"}}

func TestProgress(t *testing.T) {
	begin := time.Now()
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	unseen := func() (int64, bool) { return 0, false }
	all := cpuUse{all: true, others: true}
	web := func(cpu float64) folderEvidence {
		return folderEvidence{processes: []LiveProcess{{ProcessID: ProcessID{1, 1}, Role: RoleServer, CPU: is(cpu)}}}
	}
	idle := func(ProcessID) float64 { return 0.15 }
	for name, c := range map[string]struct {
		evidence []folderEvidence
		use      cpuUse
		want     time.Duration // when progress was last seen
	}{
		"nothing":                       {[]folderEvidence{{}, {}, {}}, all, 0},
		"CPU of work":                   {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(12.0)}, {cpu: is(14.0)}}, all, 20 * time.Second},
		"CPU of others":                 {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(12.0)}, {cpu: is(14.0)}}, cpuUse{servers: []ProcessID{{1, 1}}}, 0},
		"CPU of next to nothing":        {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(11.9)}, {cpu: is(13.8)}}, all, 0},
		"CPU of polling tabs":           {[]folderEvidence{web(10.0), web(13.4), web(16.8)}, all, 0},
		"CPU of a web UI at work":       {[]folderEvidence{web(10.0), web(13.5), web(17.0)}, all, 20 * time.Second},
		"CPU of another's web UI":       {[]folderEvidence{web(10.0), web(20.0)}, cpuUse{others: true}, 0},
		"CPU that fell: another count":  {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(2.0)}, {cpu: is(3.0)}}, all, 0},
		"CPU that was unknown for once": {[]folderEvidence{{cpu: is(10.0)}, {}, {cpu: is(90.0)}}, all, 0},
		"GPU":                           {[]folderEvidence{{gpuBusy: is(false)}, {gpuBusy: is(true)}, {gpuBusy: is(false)}}, all, 10 * time.Second},
		"another ffmpeg":                {[]folderEvidence{{ffmpeg: is(clip[:1])}, {ffmpeg: is(clip)}, {ffmpeg: is(clip)}}, all, 10 * time.Second},
		"an ffmpeg of another step":     {[]folderEvidence{{ffmpeg: is(clip)}, {ffmpeg: is(append(slices.Clone(clip), other...))}}, all, 0},
		"an ffmpeg that ended":          {[]folderEvidence{{ffmpeg: is(clip)}, {ffmpeg: is(clip[:1])}, {ffmpeg: is(clip[:1])}}, all, 0},
	} {
		var s progress
		for i := range c.evidence {
			now := at(time.Duration(i) * 10 * time.Second)
			c.evidence[i].listed = now
			s.observe(now, &c.evidence[i], c.use, idle, stepPaths{target: "/in/clip.mp4"}, unseen)
		}
		assert.Equal(t, at(c.want), s.movedAt, name)
		assert.Equal(t, c.want > 0, s.worked, name)
		assert.Equal(t, begin, s.ownAt, name)
	}
}

func TestGrowthOfFilesIsProgress(t *testing.T) {
	begin := time.Now()
	var s progress
	looked := 0
	sizes := []int64{100, 100, 200, 200}
	for i := range 16 {
		s.observe(begin.Add(time.Duration(i)*time.Second), &folderEvidence{}, cpuUse{}, nil, stepPaths{}, func() (int64, bool) { looked++; return sizes[i/5], true })
	}
	assert.Equal(t, 4, looked, "every 5 seconds")
	assert.Equal(t, begin.Add(10*time.Second), s.movedAt)
	assert.Equal(t, begin.Add(10*time.Second), s.ownAt)
	assert.Equal(t, begin.Add(10*time.Second), s.grown)
}

// TestGrowthIsMoreThanSize: a file that is written in place keeps its size, and one that is
// replaced as well.
func TestGrowthIsMoreThanSize(t *testing.T) {
	root := t.TempDir()
	at, s := Folder{Process: rootAt(root)}, jobfile.Paths{Target: "/in/clip.mp4", Output: "/out.mp4"}
	path := filepath.Join(root, "out.mp4")
	require.NoError(t, os.WriteFile(path, []byte("frames"), 0o600))
	sum := func() int64 { n, ok := stepFiles(&at, s, nil); require.True(t, ok); return n }
	first := sum()
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(path, later, later))
	written := sum()
	assert.NotEqual(t, first, written, "written in place")
	require.NoError(t, os.WriteFile(path+".new", []byte("frames"), 0o600))
	require.NoError(t, os.Chtimes(path+".new", later, later))
	require.NoError(t, os.Rename(path+".new", path))
	assert.NotEqual(t, written, sum(), "replaced")
}

// TestSilenceAloneIsNoOrphan: a model is downloaded for minutes.
func TestSilenceAloneIsNoOrphan(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Minute})
	h.evidence.CPU = is(0.0)
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.pass()
	h.tick(10 * time.Minute)
	assert.Equal(t, "stalled 1", counts(h.queue()))
	assert.Empty(t, h.orphans())
}

// TestWhatAnIdleWebUIUses: polling tabs make an idle web UI use 24 % of a core, which is no work on
// a job. It is learned for each process, also while another works.
func TestWhatAnIdleWebUIUses(t *testing.T) {
	at, total := time.Now(), 0.0
	var idle idleCPU
	window := func(cores float64, works bool) float64 {
		at, total = at.Add(cpuWindowLength), total+cores*cpuWindowLength.Seconds()
		idle.observe(at, is(total), works)
		return idle.used()
	}
	window(0, false)
	assert.InDelta(t, unlearnedIdle, idle.used(), 1e-9)
	assert.InDelta(t, unlearnedIdle, window(8, false), 1e-9, "one window may be a preview")
	assert.InDelta(t, unlearnedIdle, window(8, false), 1e-9)
	assert.InDelta(t, 0.5, window(0.5, false), 1e-9)
	assert.InDelta(t, 0.5, window(8, false), 1e-9, "a preview is not what it uses idle")
	assert.InDelta(t, 0.5, window(8, true), 1e-9, "nor is a run")
	assert.InDelta(t, 0.3, window(0.3, true), 1e-9, "tabs use no more than tabs and a run together")
	for range idleWindows {
		assert.InDelta(t, 0.3, idle.used(), 1e-9)
		window(0.6, false)
	}
	assert.InDelta(t, 0.6, idle.used(), 1e-9, "it grows within minutes")
	for range idleWindows {
		window(8, false)
	}
	assert.InDelta(t, mostIdle, idle.used(), 1e-9, "tabs keep one thread busy at most")
}

// TestARunAfterPreviews: a preview on the CPU takes what a run takes, or more. A run that works is
// not stalled after it, and one that hangs is, while tabs go on to poll.
func TestARunAfterPreviews(t *testing.T) {
	t.Parallel()
	const tabs = 0.24
	for name, c := range map[string]struct {
		previews []float64 // cores, for 15 seconds each
		run      float64
	}{
		"one preview, right after the collector began":  {[]float64{4}, 1.5},
		"a preview just before the run":                 {[]float64{tabs, tabs, tabs, tabs, 4}, 1.5},
		"previews for minutes":                          {[]float64{4, 4, 4, tabs, tabs, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, 1.5},
		"nothing but previews":                          {slices.Repeat([]float64{4}, 24), 1.5},
		"a run that takes one thread":                   {[]float64{4, 4, tabs, tabs, 4, 4, 4, 4}, 1},
		"a run that takes less than a preview, no tabs": {[]float64{0, 0, 2, 2}, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := watching(t, Settings{StallAfter: time.Minute}, "run")
			use := func(seconds int, cores float64) {
				for range seconds {
					h.useServers(cores)
					h.tick(time.Second)
				}
			}
			for _, cores := range c.previews {
				use(15, cores)
			}
			h.job("queued/"+uiID, "started")
			use(300, c.run)
			assert.Equal(t, []string{uiID + ": none -> running"}, transitions(h.took()))
			use(100, c.previews[0]/100) // hardly anything, or nothing
			assert.Equal(t, []string{uiID + ": running -> stalled"}, transitions(h.took()))
		})
	}
}

// TestARunInAProgram that calls FaceFusion's code: what the program computes is the run.
func TestARunInAProgram(t *testing.T) {
	t.Parallel()
	for _, role := range []ProcessRole{RoleService, RoleWorker} {
		h := newHarness(t, Settings{StallAfter: time.Minute})
		h.process(role, time.Hour)
		h.use(0)
		h.pass()
		h.job("queued/"+headlessID, "started")
		for range 300 {
			h.use(1.5)
			h.tick(time.Second)
		}
		assert.Equal(t, []string{headlessID + ": none -> running"}, transitions(h.took()), role)
		h.tick(80 * time.Second)
		assert.Equal(t, []string{headlessID + ": running -> stalled"}, transitions(h.took()), role)
	}
}

// TestProcessesThatAreListedRarely: what was used between two lists is not that of the moment of
// the second.
func TestProcessesThatAreListedRarely(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: 3 * time.Minute}, "run")
	for second := range 600 {
		if second == 300 {
			h.job("queued/"+uiID, "started")
		}
		if h.lag += time.Second; second%30 == 0 {
			h.lag = 0
			h.useServers(30 * 0.24)
		}
		h.tick(time.Second)
	}
	assert.Equal(t, []string{uiID + ": none -> running", uiID + ": running -> stalled"}, transitions(h.took()))
}

// TestTheIdleWebUIBesideOneAtWork: each has its own baseline. One whose tabs use half a core is no
// sign of work on the other's job, and what the other uses for its job is not idle.
func TestTheIdleWebUIBesideOneAtWork(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Minute})
	working := h.webUI()
	h.calls("run_1", 0, 0)
	h.pass()
	h.job("queued/mine", "started")
	h.tick(10 * time.Second)
	idle := h.webUI()
	use := func(seconds int, worker, tabs float64) {
		for range seconds {
			for i := range h.evidence.Processes {
				h.evidence.Processes[i].CPU.V += map[ProcessID]float64{working: worker, idle: tabs}[h.evidence.Processes[i].ProcessID]
			}
			h.tick(time.Second)
		}
	}
	use(120, 0.6, 0.5)
	f := h.watcher.folders[0]
	assert.Equal(t, "running 1", counts(h.queue()))
	assert.InDelta(t, 0.5, f.idleUse(idle), 0.01, "learned while the other works")
	assert.InDelta(t, unlearnedIdle, f.idleUse(working), 1e-9, "it was never idle")
	use(80, 0, 0.5)
	assert.Equal(t, "stalled 1", counts(h.queue()), "what the other uses is no work on this")
	h.end("mine", "completed")
	use(5, 0, 0.5)
	h.job("queued/its", "started") // of either
	use(70, 0, 0.5)
	assert.Equal(t, "completed 1 stalled 1", countsSorted(h.queue()), "tabs are no work")
	use(20, 0, 0.75)
	assert.Equal(t, "completed 1 running 1", countsSorted(h.queue()), "work is what is above them")
}

func countsSorted(q *Queue) string {
	all := strings.Split(counts(q), " ")
	var pairs []string
	for i := 0; i+1 < len(all); i += 2 {
		pairs = append(pairs, all[i]+" "+all[i+1])
	}
	slices.Sort(pairs)
	return strings.Join(pairs, " ")
}
