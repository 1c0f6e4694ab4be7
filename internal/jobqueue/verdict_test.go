package jobqueue

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const stall = 5 * time.Minute

// verdicts are the rows of the table in docs/jobs.md, in its order. Every row is decided by itself:
// what it does not name is as in a run that is well.
var verdicts = []struct {
	row    string
	in     verdictInput
	want   verdict
	basis  Basis
	reason LossReason
}{
	{
		"Gradio counted an exception in the web UI's call, and nothing of the job has moved for 6 seconds",
		verdictInput{listed: true, held: true, alive: true, failedCall: true, ownQuiet: ownQuietFor, observable: true}, verdictOrphaned, BasisFailedCall, ReasonException,
	},
	{
		"Gradio counted an exception, and the web UI took its next job",
		verdictInput{listed: true, held: true, alive: true, failedCall: true, nextJob: true, observable: true}, verdictOrphaned, BasisFailedCall, ReasonException,
	},
	{
		"The web UI took its next job",
		verdictInput{listed: true, held: true, alive: true, nextJob: true, observable: true}, verdictOrphaned, BasisNextJob, ReasonSuperseded,
	},
	{
		"The process that had the run exited, and the kernel reported how",
		verdictInput{listed: true, held: true, exit: ReasonKilled, observable: true}, verdictOrphaned, BasisProcessExit, ReasonKilled,
	},
	{
		"All processes that could have the run have been gone for 3 seconds",
		verdictInput{listed: true, held: true, gone: goneFor, observable: true}, verdictOrphaned, BasisProcessExit, ReasonGone,
	},
	{
		"They have been gone for less",
		verdictInput{listed: true, held: true, gone: goneFor - 1, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"They are gone, but the files of the step grow on",
		verdictInput{listed: true, held: true, gone: time.Hour, growing: true, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, and the last change is a minute old",
		verdictInput{listed: true, unwritten: longAgo}, verdictOrphaned, BasisNoProcess, ReasonGone,
	},
	{
		"None was ever seen, and the last change is younger",
		verdictInput{listed: true, unwritten: longAgo - 1}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, but the files of the step grew within the last minute",
		verdictInput{listed: true, unwritten: time.Hour, growing: true, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, and the folder is on a share",
		verdictInput{listed: true, unwritten: time.Hour, shared: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The file changed after all had gone",
		verdictInput{listed: true, unwritten: time.Hour, writtenUnseen: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The same, and nothing has moved for `stall_after`",
		verdictInput{listed: true, unwritten: time.Hour, writtenUnseen: true, observable: true, quiet: stall}, verdictOrphaned, BasisNoProcess, ReasonGone,
	},
	{
		"A process that can have the run lives, and something moves",
		verdictInput{listed: true, held: true, alive: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"It lives, and nothing has moved for `stall_after`",
		verdictInput{listed: true, held: true, alive: true, observable: true, quiet: stall}, verdictStalled, BasisSilence, "",
	},
	{
		"It lives, and there is nothing in which progress would show",
		verdictInput{listed: true, held: true, alive: true, quiet: time.Hour}, verdictNone, BasisProgress, "",
	},
	{
		"The processes are not known, or not since the last change",
		verdictInput{unwritten: time.Hour, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The same, and nothing has moved for `stall_after`",
		verdictInput{unwritten: time.Hour, observable: true, quiet: stall}, verdictStalled, BasisSilence, "",
	},
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		got, basis, reason := judge(v.in, stall)
		assert.Equal(t, v.want, got, v.row)
		assert.Equal(t, v.basis, basis, v.row)
		assert.Equal(t, v.reason, reason, v.row)
	}
}

// TestVerdictsOnAProcessNeedAFreshList: who wrote the file after the processes were listed is not
// in the list, so that whoever is missing there says nothing.
func TestVerdictsOnAProcessNeedAFreshList(t *testing.T) {
	for _, v := range verdicts {
		if v.basis != BasisProcessExit && v.basis != BasisNoProcess {
			continue
		}
		in := v.in
		in.listed = false
		got, basis, _ := judge(in, time.Duration(1<<62))
		assert.Equal(t, verdictNone, got, v.row)
		assert.Equal(t, BasisProgress, basis, v.row)
	}
}

// TestVerdictsAreDocumented keeps the table that users read the one that is decided by.
func TestVerdictsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/jobs.md")
	require.NoError(t, err)
	var rows []string
	_, section, found := strings.Cut(string(text), "## Stalled and orphaned")
	require.True(t, found)
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			rows = append(rows, strings.TrimSpace(cells[1])+" | "+strings.TrimSpace(cells[2])+" | "+strings.TrimSpace(cells[3])+" | "+strings.TrimSpace(cells[4]))
		}
	}
	states := map[verdict]string{verdictNone: "`running`", verdictStalled: "`stalled`", verdictOrphaned: "`orphaned`"}
	var want []string
	for _, v := range verdicts {
		reason := ""
		if v.reason != "" {
			reason = "`" + string(v.reason) + "`"
		}
		want = append(want, v.row+" | "+states[v.want]+" | `"+string(v.basis)+"` | "+reason)
	}
	require.Greater(t, len(rows), 2)
	assert.Equal(t, want, rows[2:]) // below the head of the table
}

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
			s.observe(at(time.Duration(i)*10*time.Second), &c.evidence[i], c.use, idle, stepPaths{target: "/in/clip.mp4"}, unseen)
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

// TestWhatAnIdleWebUIUses: polling tabs make an idle web UI use 24 % of a core, which is no work on
// a job. It is learned for each process, also while another works.
func TestWhatAnIdleWebUIUses(t *testing.T) {
	begin := time.Now()
	var idle idleCPU
	assert.InDelta(t, unlearnedIdle, idle.used(), 1e-9)
	for i := range 4 {
		idle.observe(begin.Add(time.Duration(i)*10*time.Second), is(5*float64(i)), false)
	}
	assert.InDelta(t, 0.5, idle.used(), 1e-9)
	idle.observe(begin.Add(40*time.Second), is(15.0), false)
	assert.InDelta(t, 0.5*idleFades, idle.used(), 1e-9, "it falls slowly")
	idle.observe(begin.Add(50*time.Second), is(25.0), true)
	idle.observe(begin.Add(60*time.Second), is(26.0), false)
	assert.InDelta(t, 0.5*idleFades, idle.used(), 1e-9, "what it uses for a job is not what it uses idle")
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
	h.job("queued/mine", "completed")
	h.mv("queued/mine", "completed/mine")
	h.tick(5 * time.Second)
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

func TestDoors(t *testing.T) {
	server, headless, batch, all, unknown := LiveProcess{Role: RoleServer, Command: "run"}, LiveProcess{Role: RoleRunner, Command: "headless-run"},
		LiveProcess{Role: RoleRunner, Command: "batch-run"}, LiveProcess{Role: RoleRunner, Command: "job-run-all"}, LiveProcess{Role: RoleRunner}
	for _, c := range []struct {
		door door
		want []bool
	}{
		{doorQueue, []bool{true, false, false, true, true}},
		{doorInstant, []bool{true, false, false, false, false}},
		{doorHeadless, []bool{false, true, false, false, true}},
		{doorBatch, []bool{false, false, true, false, true}},
	} {
		for i, p := range []LiveProcess{server, headless, batch, all, unknown} {
			assert.Equal(t, c.want[i], c.door.lets(&p), "%d %s", c.door, p.Command)
		}
		assert.False(t, c.door.lets(&LiveProcess{Role: "admin"}))
		assert.False(t, c.door.lets(&LiveProcess{Role: "downloader"}))
	}
}

func TestClaims(t *testing.T) {
	seen := time.Now()
	started := func(pid int, before time.Duration) LiveProcess {
		return LiveProcess{ProcessID: ProcessID{PID: pid}, Role: RoleRunner, Started: seen.Add(-before)}
	}
	listing := func(after time.Duration, processes ...LiveProcess) *folderEvidence {
		return &folderEvidence{listed: seen.Add(after), processes: processes}
	}
	free := func(ProcessID) bool { return false }
	c := claim{seen: seen}
	c.resolve(doorQueue, &folderEvidence{processes: []LiveProcess{started(1, time.Hour)}}, seen, free)
	assert.Empty(t, c.holders, "when they were listed is not known")
	c.resolve(doorQueue, listing(0, started(2, -startSlack-1), started(3, -startSlack)), seen, free)
	assert.Equal(t, []ProcessID{{PID: 3}}, c.holders, "one that started later has not started the run")
	assert.False(t, c.resolved, "a process is found a moment after it started")
	c.resolve(doorQueue, listing(claimGrace, started(1, time.Minute), started(4, time.Hour)), seen, free)
	assert.Equal(t, []ProcessID{{PID: 3}, {PID: 4}, {PID: 1}}, c.holders)
	assert.True(t, c.resolved)
	c.resolve(doorQueue, listing(time.Minute, started(5, time.Hour)), seen, free)
	assert.Len(t, c.holders, 3)

	own := claim{seen: seen}
	own.resolve(doorHeadless, listing(time.Millisecond, started(7, time.Second), started(6, time.Minute), started(8, time.Hour)), seen, func(id ProcessID) bool { return id.PID == 8 })
	assert.Equal(t, []ProcessID{{PID: 6}}, own.holders, "the first to start that has no job")
	assert.True(t, own.resolved)

	// A step of the host's clock between the two changes no age.
	stepped := claim{seen: seen}
	old := started(9, -time.Hour+time.Minute)
	stepped.resolve(doorQueue, &folderEvidence{listed: time.Now().Add(time.Hour), processes: []LiveProcess{old}}, seen, free)
	assert.Empty(t, stepped.holders)
}

func TestEvidenceOfSeveralInstances(t *testing.T) {
	now := time.Now()
	a, b := LiveProcess{ProcessID: ProcessID{PID: 1}, Role: RoleServer, Started: now}, LiveProcess{ProcessID: ProcessID{PID: 2}, Role: RoleRunner, Started: now}
	exit, calls := Exit{PID: 3, Time: now, Reason: ReasonKilled}, ServerCalls{ProcessID: a.ProcessID}
	l := gather(Evidence{
		"a": {Time: now, Processes: []LiveProcess{a}, CPU: is(1.0), GPUBusy: is(true), FFmpeg: is(clip), Servers: []ServerCalls{calls}},
		"b": {Time: now.Add(-time.Second), Processes: []LiveProcess{b}, CPU: is(5.0), GPUBusy: is(false), FFmpeg: is(other), Exits: []Exit{exit}},
	}, []string{"a", "b"})
	assert.Equal(t, &folderEvidence{
		listed: now.Add(-time.Second), processes: []LiveProcess{a, b}, exits: []Exit{exit}, servers: []ServerCalls{calls},
		cpu: is(6.0), gpuBusy: is(true), ffmpeg: is(append(slices.Clone(clip), other...)),
	}, l)
	assert.True(t, gather(Evidence{"a": {Time: now}}, []string{"a", "b"}).listed.IsZero(), "of one of them nothing is known")
}
