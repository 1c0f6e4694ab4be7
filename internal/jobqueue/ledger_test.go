package jobqueue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

// TestLedger plays 200 runs for each seed through every door at once, and compares FaceFusion's own
// account of them with ours: every run ends exactly once, with the right outcome. Polling tabs keep
// the web UI busy, Gradio counts late, processes are listed late, the collector is killed, and
// readers see what ext4 shows of a file that is being written.
func TestLedger(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newLedgerGame(t, seed).play(200)
		})
	}
}

// end is how a run of the game ends.
type end string

const (
	endCompletes end = "completes"
	endFails     end = "fails"
	endStopped   end = "stopped"
	endException end = "exception"
	endKilled    end = "killed"
	endCtrlC     end = "ctrl-c"
	endDeleted   end = "deleted"
)

// allowed is what a run that ended so may be reported as. An exception in a living web UI that
// Gradio has not counted shows when the next job takes its place.
var allowed = map[end][]string{
	endCompletes: {"completed "},
	endFails:     {"failed "},
	endStopped:   {"stopped "},
	endException: {"orphaned exception", "orphaned superseded"},
	endKilled:    {"orphaned killed"},
	endCtrlC:     {"orphaned gone"},
	endDeleted:   {"deleted "},
}

// gameRun is a run under way.
type gameRun struct {
	id      string
	process ProcessID
	left    int // seconds
	end     end
	// function is what Gradio calls the run; empty for a process of its own.
	function string
}

type ledgerGame struct {
	*harness
	random *rand.Rand
	kept   recordStore
	ui     ProcessID
	tally  gradio.Tally
	// instant, queued and own are the runs under way: one by each door of the web UI, any number of
	// processes.
	instant, queued *gameRun
	own             []*gameRun
	began           int
	truth           map[string]end
	emitted         map[string][]string
	listed          []LiveProcess // as of the tick before
	sinceAsked      int
}

func newLedgerGame(t *testing.T, seed uint64) *ledgerGame {
	kept := recordStore{}
	g := &ledgerGame{
		harness: newHarness(t, Settings{Load: kept.load, StallAfter: 5 * time.Minute}), kept: kept, random: rand.New(rand.NewPCG(seed, 7)),
		truth: make(map[string]end), emitted: make(map[string][]string),
	}
	g.ui = g.webUI()
	g.evidence.CPU, g.evidence.GPUBusy = is(0.0), is(false)
	g.listed = slices.Clone(g.evidence.Processes)
	return g
}

func (g *ledgerGame) play(runs int) {
	g.ask()
	g.step()
	for len(g.truth) < runs || g.instant != nil || g.queued != nil || len(g.own) > 0 {
		if len(g.truth)+len(g.own) < runs {
			g.begin()
		}
		g.work()
		g.step()
	}
	for range 90 {
		g.step()
	}
	for id, end := range g.truth {
		// A web UI whose last call raised an exception right after another did: Gradio says nothing
		// that would tell.
		if len(g.emitted[id]) == 0 && end == endException && g.isLast(id) {
			continue
		}
		if assert.Len(g.t, g.emitted[id], 1, "%s, which %s, ends once", id, end) {
			assert.Contains(g.t, allowed[end], g.emitted[id][0], "%s, which %s", id, end)
		}
	}
	emitted := 0
	for id, outcomes := range g.emitted {
		require.NotEmpty(g.t, g.truth[id], id)
		emitted += len(outcomes)
	}
	assert.EqualValues(g.t, emitted, sumRuns(g.queue()), "what is counted is what was emitted")
}

// isLast says that no later run of its door has begun.
func (g *ledgerGame) isLast(id string) bool {
	door, _, _ := strings.Cut(id, "-")
	for other := range g.truth {
		if d, _, _ := strings.Cut(other, "-"); d == door && other > id {
			return false
		}
	}
	return true
}

// begin lets a run begin now and then.
func (g *ledgerGame) begin() {
	switch g.random.IntN(8) {
	case 0, 1:
		if g.instant == nil {
			g.instant = g.start("ui-", g.ui, "run", endCompletes, endCompletes, endFails, endStopped, endException, endDeleted)
		}
	case 2:
		if g.queued == nil {
			g.queued = g.start("nightly-", g.ui, "run_1", endCompletes, endFails, endStopped, endException)
		}
	case 3:
		if len(g.own) < 4 {
			command := "headless"
			if g.random.IntN(3) == 0 {
				command = "batch"
			}
			process := g.runner(command + "-run")
			g.own = append(g.own, g.start(command+"-", process, "", endCompletes, endCompletes, endFails, endKilled, endCtrlC, endException))
		}
	}
}

func (g *ledgerGame) start(prefix string, process ProcessID, function string, ends ...end) *gameRun {
	g.began++
	// The date makes the id one of FaceFusion's own; one a second, as there.
	id := prefix + time.Date(2026, 11, 22, 16, 0, g.began, 0, time.UTC).Format("2006-01-02-15-04-05")
	r := &gameRun{id: id, process: process, left: 3 + g.random.IntN(25), end: ends[g.random.IntN(len(ends))], function: function}
	if function != "" {
		g.tally.Begin(function)
		g.tally.Begin("start")
		g.tally.End("start", 1, true) // which counts anew
	}
	g.rewrite("queued/"+id, "started")
	return r
}

// rewrite may leave the file empty under its old time for one pass, as ext4 does.
func (g *ledgerGame) rewrite(name string, statuses ...string) {
	if info, err := os.Stat(g.file(name)); err == nil && g.random.IntN(3) == 0 {
		require.NoError(g.t, os.Truncate(g.file(name), 0))
		require.NoError(g.t, os.Chtimes(g.file(name), info.ModTime(), info.ModTime()))
		g.pass()
	}
	g.job(name, statuses...)
}

// work lets a second pass for each run.
func (g *ledgerGame) work() {
	if g.instant != nil && g.over(g.instant) {
		g.instant = nil
	}
	if g.queued != nil && g.over(g.queued) {
		g.queued = nil
	}
	g.own = slices.DeleteFunc(g.own, g.over)
}

func (g *ledgerGame) over(r *gameRun) bool {
	if r.left--; r.left > 0 {
		return false
	}
	g.truth[r.id] = r.end
	queued := "queued/" + r.id
	switch r.end {
	case endCompletes:
		g.rewrite(queued, "completed")
		g.mv(queued, "completed/"+r.id)
	case endFails, endStopped:
		g.rewrite(queued, "failed")
		g.mv(queued, "failed/"+r.id)
	case endDeleted:
		require.NoError(g.t, os.Remove(g.file(queued)))
	}
	if r.end == endStopped {
		stop := strings.Replace(r.function, "run", "stop", 1)
		g.tally.Begin(stop)
		g.tally.End(stop, 0.1, true)
	}
	if r.function != "" {
		g.tally.End(r.function, 10, r.end != endException)
		return true
	}
	g.exit(r.process, map[end]LossReason{endKilled: ReasonKilled, endException: ReasonException, endFails: ReasonException}[r.end])
	return true
}

// step is a second: tabs poll, processes are listed, Gradio is asked every 15 seconds and when its
// word is awaited, and the collector is killed now and then.
func (g *ledgerGame) step() {
	g.useServers(0.24)
	g.tally.Begin("read_logs")
	g.tally.End("read_logs", 0.01, true)
	if g.sinceAsked++; g.sinceAsked >= 15 || g.last != nil && g.queue().AwaitsCalls {
		g.ask()
	}
	if g.random.IntN(40) == 0 {
		g.kill(g.kept)
	}
	// The list of processes that a pass has is up to a second old.
	actual := g.evidence.Processes
	g.evidence.Processes, g.listed, g.lag = g.listed, slices.Clone(actual), time.Second
	g.tick(time.Second)
	g.evidence.Processes = actual
	for _, c := range g.took() {
		if c.Ended {
			assert.NotEmpty(g.t, g.truth[c.Job], "%s was told to have ended (%s, %s, %s) before it did", c.Job, c.Run.Outcome, c.Run.Basis, c.Run.Reason)
			g.emitted[c.Job] = append(g.emitted[c.Job], string(c.Run.Outcome)+" "+string(c.Run.Reason))
		}
	}
	if files, err := filepath.Glob(g.file("queued/*")); err == nil {
		assert.LessOrEqual(g.t, g.queue().Count(StateRunning)+g.queue().Count(StateStalled), len(files)+4)
	}
}

func (g *ledgerGame) ask() {
	g.sinceAsked = 0
	functions := make(map[string]CallCounts)
	for name, f := range g.tally.Summary() {
		functions[name] = CallCounts{Requests: int64(f.Requests), Failed: reading.Known(fewestFailures(f))}
	}
	s := &g.evidence.Servers[0]
	s.Time, s.Functions = g.now, functions
}

// fewestFailures is what webui makes of Gradio's answer: late rather than too high.
func fewestFailures(f gradio.FunctionSummary) int64 {
	if f.SuccessRate == nil {
		return 0
	}
	fewest := int64(math.MaxInt64)
	for ended := max(1, f.Requests-1); ended <= f.Requests; ended++ {
		succeeded := math.Round(*f.SuccessRate * float64(ended))
		if succeeded/float64(ended) == *f.SuccessRate {
			fewest = min(fewest, int64(ended)-int64(succeeded))
		}
	}
	if fewest == math.MaxInt64 {
		return 0
	}
	return fewest
}
