package jobqueue

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// rowPlay is a run in a jobs folder, of which a row of the table of verdicts is to be what is made
// of it.
type rowPlay struct {
	*harness
	root string
}

// playing begins with a job that has just begun, and who has it: a web UI for one of its instant
// runner, a runner for any other, nobody where nothing is named.
func playing(t *testing.T, job, command string) *rowPlay {
	t.Helper()
	h := newHarness(t, Settings{StallAfter: stall})
	p := &rowPlay{harness: h, root: t.TempDir()}
	h.folders[0].Process = rootAt(p.root)
	h.evidence.CPU = is(0.0)
	require.NoError(t, os.MkdirAll(p.root+"/data/out", 0o755))
	switch command {
	case "":
	case "run":
		h.webUI()
		h.asked()
	default:
		h.runner(command)
	}
	h.pass()
	h.job("queued/"+job, "started")
	h.pass()
	h.tick(3 * time.Second)
	require.Equal(t, "running 1", counts(h.queue()))
	return p
}

// grow has the output of the step grow for so long.
func (p *rowPlay) grow(d time.Duration) {
	for i := range int(d / time.Second) {
		require.NoError(p.t, os.WriteFile(p.root+"/data/out/clip.mp4", make([]byte, int(p.now.Unix()%1e6)+i), 0o600))
		p.tick(time.Second)
	}
}

// leave has all processes go, and nobody says how.
func (p *rowPlay) leave() { p.evidence.Processes = nil }

// moveToShare has the queue lie on a file system that other hosts use.
func (p *rowPlay) moveToShare() {
	queued := filepath.Join(p.path, jobsdir.Names[jobsdir.Queued])
	p.watcher.folders[0].dirs[jobsdir.Queued].IsRemote = func(int) bool { return true }
	require.NoError(p.t, os.Rename(queued, queued+".here"))
	require.NoError(p.t, os.CopyFS(queued, os.DirFS(queued+".here")))
	p.pass()
}

// rows are the plays of the rows. Each ends when the verdict is the one that the row says.
var rows = map[string]struct {
	job, command string
	play         func(*rowPlay)
}{
	"Gradio counted an exception in the web UI's call, and nothing of the job has moved for 6 seconds": {uiID, "run", func(p *rowPlay) {
		p.calls("run", 1, 1)
		p.tick(ownQuietFor)
	}},
	"Gradio counted an exception, and the web UI took its next job": {uiID, "run", func(p *rowPlay) {
		p.calls("run", 2, 1)
		p.job("queued/"+nextUIID, "started")
		p.pass()
	}},
	"The web UI took its next job": {uiID, "run", func(p *rowPlay) {
		p.job("queued/"+nextUIID, "started")
		p.pass()
	}},
	"The process that had the run exited, and the kernel reported how": {headlessID, "headless-run", func(p *rowPlay) {
		p.exit(p.evidence.Processes[0].ProcessID, ReasonKilled)
		p.pass()
	}},
	"All processes that could have the run have been gone for 3 seconds": {"mine", "job-run", func(p *rowPlay) {
		p.leave()
		p.tick(goneFor + time.Second)
	}},
	"They have been gone for less": {"mine", "job-run", func(p *rowPlay) {
		p.leave()
		p.tick(goneFor - time.Second)
	}},
	"They are gone, but the files of the step grow on": {"mine", "job-run", func(p *rowPlay) {
		p.grow(20 * time.Second)
		p.leave()
		p.grow(time.Minute)
	}},
	"None was ever seen, and the last change is a minute old": {headlessID, "", func(p *rowPlay) { p.tick(longAgo) }},
	"None was ever seen, and the last change is younger":      {headlessID, "", func(p *rowPlay) { p.tick(longAgo - 5*time.Second) }},
	"None was ever seen, but the files of the step grew within the last minute": {headlessID, "", func(p *rowPlay) {
		p.grow(3 * longAgo)
		p.tick(longAgo / 2)
	}},
	"None was ever seen, and the folder is on a share": {headlessID, "", func(p *rowPlay) {
		p.moveToShare()
		p.tick(stall - 10*time.Second)
	}},
	"The file changed after all had gone": {"mine", "job-run", func(p *rowPlay) {
		p.leave()
		p.tick(time.Second)
		p.job("queued/mine", "completed")
		p.tick(2 * longAgo)
	}},
	"The same, and nothing has moved for `stall_after`": {"mine", "job-run", func(p *rowPlay) {
		p.leave()
		p.tick(time.Second)
		p.job("queued/mine", "completed")
		p.tick(stall + time.Second)
	}},
	"A process that can have the run lives, and something moves": {"mine", "job-run", func(p *rowPlay) {
		for range 2 * int(stall/time.Second) {
			p.use(0.5)
			p.tick(time.Second)
		}
	}},
	"It lives, and nothing has moved for `stall_after`": {"mine", "job-run", func(p *rowPlay) { p.tick(stall) }},
	"It lives, and there is nothing in which progress would show": {"mine", "job-run", func(p *rowPlay) {
		p.evidence.CPU.Known, p.folders[0].Process = false, nil
		p.tick(2 * stall)
	}},
	unknownRow: {"mine", "", func(p *rowPlay) {
		p.unknown = true
		p.tick(stall + time.Second)
	}},
	"The processes are not known, or not since the last change": {"mine", "", func(p *rowPlay) {
		p.unknown = true
		p.tick(stall - 5*time.Second)
	}},
}

// unknownRow is the last row, which says "the same" of the one before it, as another does.
const unknownRow = "The same, and nothing is known of the processes"

// TestVerdictsInAFolder plays each row of the table of verdicts in a jobs folder, and no other.
func TestVerdictsInAFolder(t *testing.T) {
	t.Parallel()
	played := 0
	for n, v := range verdicts {
		name := v.row
		if n == len(verdicts)-1 {
			name = unknownRow
		}
		r, there := rows[name]
		if !assert.True(t, there, "the row is not played: %s", name) {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := playing(t, r.job, r.command)
			p.took()
			r.play(p)
			var last *Change
			for _, c := range p.took() {
				if c.Job == r.job {
					last = &c
				}
			}
			switch v.want {
			case verdictNone:
				state := map[bool]string{true: "finalizing 1", false: "running 1"}[v.row == "The file changed after all had gone"]
				assert.Equal(t, state, counts(p.queue()))
				assert.Empty(t, p.orphans())
			case verdictStalled:
				require.NotNil(t, last, "nothing changed")
				assert.Equal(t, StateStalled, last.To)
				assert.Equal(t, v.basis, last.Basis)
			case verdictOrphaned:
				require.NotNil(t, last, "nothing changed")
				assert.Equal(t, StateOrphaned, last.To)
				assert.Equal(t, v.basis, last.Run.Basis)
				assert.Equal(t, v.reason, last.Run.Reason)
			}
		})
	}
	assert.Len(t, rows, played)
}

// TestFilesThatGrewUntilTheEnd: a run whose output grew until its process had gone is lost within
// seconds all the same, and one whose files grew on for a while a minute after they have stopped.
func TestFilesThatGrewUntilTheEnd(t *testing.T) {
	t.Parallel()
	p := playing(t, "mine", "job-run")
	p.grow(20 * time.Second)
	p.leave()
	p.tick(2*filesEvery + goneFor)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, p.orphans())

	p = playing(t, "mine", "job-run")
	p.leave()
	p.grow(20 * time.Second)
	p.tick(growingFor - 2*filesEvery)
	assert.Empty(t, p.orphans(), "others may write them")
	p.tick(3 * filesEvery)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, p.orphans())
}
