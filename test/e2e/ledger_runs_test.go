//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestLedgerOfTwentyRuns is TestLedgerOfRuns in short.
func TestLedgerOfTwentyRuns(t *testing.T) {
	// One run of the web UI: the second of two exceptions in a row shows with the call after it.
	ledgerPlan{headlessWorkers: 8, perHeadlessWorker: 2, ofWebUI: 1, ofQueue: 3, restartAfter: 5 * time.Second, quietFor: 2 * time.Second}.run(t)
}

// ledgerPlan is how many runs end, in which ways.
type ledgerPlan struct {
	headlessWorkers, perHeadlessWorker, ofWebUI, ofQueue int
	// restartAfter is when the collector starts anew.
	restartAfter time.Duration
	// quietFor is for how long nothing may be reported again at the end.
	quietFor time.Duration
	// busyDisk has somebody else write to the disk on which all of it lies.
	busyDisk bool
}

// run has runs end in all ways, in processes of their own, several at once, beside a web UI with
// open tabs and on a filesystem that shows files as ext4 does while they are written. The collector
// starts anew in between. Every run ends exactly once, with the right outcome.
func (plan ledgerPlan) run(t *testing.T) {
	kept := t.TempDir()
	overrides := fmt.Sprintf(`
extensions: {file_storage: {directory: %[1]s}}
receivers: {facefusion: {storage: file_storage}}
exporters:
  file/traces: {path: %[1]s/traces.json, append: true, flush_interval: 50ms}
  file/events: {path: %[1]s/events.json, append: true, flush_interval: 50ms}
service:
  extensions: [health_check, file_storage]
  pipelines:
    traces: {receivers: [facefusion], exporters: [file/traces]}
    logs: {receivers: [facefusion], exporters: [file/events]}
`, kept)
	h := simulate(t, 1)
	h.Jobs(0).Truncation = 30 * time.Millisecond
	c := startWith(t, byKind, overrides)
	l := &ledgerOfRuns{t: t, h: h, folder: h.Jobs(0), outcomes: map[string][]string{}, reasons: map[string]int{}}
	ui := newWebUI(t, h, 2)
	c.eventually(t, 10*time.Second, "the jobs folder of a web UI with two tabs", func(p page) bool { return jobCount(p, "drafted", 0) })
	if plan.busyDisk {
		keepDiskBusy(t)
	}

	begin := time.Now()
	var workers sync.WaitGroup
	for worker := range plan.headlessWorkers {
		workers.Go(func() { l.headless(worker, plan.perHeadlessWorker) })
	}
	workers.Go(func() { l.ofWebUI(ui, plan.ofWebUI) })
	workers.Go(func() { l.ofQueue(plan.ofQueue) })
	time.Sleep(plan.restartAfter)
	l.pause.Lock() // runs that are under way go on, and none ends
	c.stop(t)
	c = startWith(t, byKind, overrides)
	l.pause.Unlock()
	workers.Wait()
	t.Logf("%d runs took %v", l.runs, time.Since(begin).Round(time.Second))
	require.Equal(t, plan.perHeadlessWorker*plan.headlessWorkers+plan.ofWebUI+plan.ofQueue, l.runs)

	finished := l.compareCounts(c, 90*time.Second, plan.quietFor)
	assert.InDelta(t, finished["orphaned"], total(c.page(t), "facefusion_job_lost_total"), 0)
	c.stop(t)
	l.compareTraces(filepath.Join(kept, "traces.json"), filepath.Join(kept, "events.json"))
}

// finishedOn counts the runs of a page by outcome.
func finishedOn(p page) map[string]float64 {
	runs := map[string]float64{}
	for _, s := range p.samples("facefusion_job_finished_total") {
		if s.value > 0 {
			runs[s.labels["facefusion_outcome"]] += s.value
		}
	}
	return runs
}

// ledgerOfRuns is what FaceFusion did.
type ledgerOfRuns struct {
	t      *testing.T
	h      *host.Machine
	folder *jobs.Manager
	// pause is held for reading while a run begins or ends.
	pause sync.RWMutex
	// until is when no further run begins; zero for never.
	until time.Time

	mu       sync.Mutex
	runs     int
	names    int
	outcomes map[string][]string // of the runs of a job, in their order
	reasons  map[string]int      // of those that were lost
}

func (l *ledgerOfRuns) over() bool { return !l.until.IsZero() && time.Now().After(l.until) }

func (l *ledgerOfRuns) note(job, outcome, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs++
	l.outcomes[job] = append(l.outcomes[job], outcome)
	if reason != "" {
		l.reasons[reason]++
	}
}

// name gives an id as FaceFusion does, of which no two are the same.
func (l *ledgerOfRuns) name(prefix string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names++
	return prefix + "-" + time.Now().Add(time.Duration(l.names)*time.Hour).Format("2006-01-02-15-04-05")
}

// do does something to a job's file, or to a process, while the collector is not being started
// anew.
func (l *ledgerOfRuns) do(steps ...func() error) {
	l.pause.RLock()
	defer l.pause.RUnlock()
	for _, step := range steps {
		assert.NoError(l.t, step())
	}
}

// outputOf is what a worker's runs write.
func outputOf(worker int) string { return fmt.Sprintf("out-%d.mp4", worker) }

func (l *ledgerOfRuns) queue(id, output string) []func() error {
	return []func() error{
		func() error {
			return l.folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Output: output, Processors: []string{"face_swapper"}})
		},
		func() error { return l.folder.Submit(id) },
	}
}

func (l *ledgerOfRuns) begin(id string) func() error {
	return func() error { return l.folder.Start(id, 0) }
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// imports is how long FaceFusion's own start takes, before it comes to a job.
func imports(random *rand.Rand) {
	time.Sleep(between(random, 1500*time.Millisecond, 2500*time.Millisecond))
}

// end ends a run that a process of its own has, in one of the ways that there are.
func (l *ledgerOfRuns) end(random *rand.Rand, id string, p *host.Proc) (outcome string) {
	time.Sleep(between(random, 200*time.Millisecond, 4*time.Second))
	exit := func(code int) func() error { return func() error { return p.Exit(code) } }
	kill := func(s syscall.Signal) func() error { return func() error { return p.Kill(s) } }
	completeStep := func() error { return l.folder.CompleteStep(id, 0) }
	complete := func() error { return l.folder.Complete(id) }
	ways := []struct {
		outcome, reason string
		steps           []func() error
	}{
		{"completed", "", []func() error{completeStep, complete, exit(0)}},
		{"completed", "", []func() error{completeStep, complete, exit(0)}},
		{"completed", "", []func() error{completeStep, complete, exit(0)}},
		{"failed", "", []func() error{func() error { return l.folder.Fail(id) }, exit(1)}},
		{"orphaned", "exception", []func() error{exit(1)}},
		{"orphaned", "killed", []func() error{kill(syscall.SIGKILL)}},
		{"orphaned", "killed", []func() error{kill(syscall.SIGTERM)}},
		{"orphaned", "gone", []func() error{exit(0)}}, // Ctrl-C
		{"deleted", "", []func() error{func() error { return l.folder.Delete(id) }, exit(1)}},
	}
	way := ways[random.IntN(len(ways))]
	l.do(way.steps...)
	l.note(id, way.outcome, way.reason)
	return way.outcome
}

func (l *ledgerOfRuns) headless(worker, runs int) {
	random := rand.New(rand.NewPCG(uint64(worker), 1))
	for n := 0; n < runs && !l.over(); n++ {
		var p *host.Proc
		l.do(func() (err error) {
			p, err = l.h.StartRunner(0, "headless-run", "--target-path", "clip.mp4", "--output-path", outputOf(worker))
			return err
		})
		imports(random)
		id := l.name("headless")
		l.do(append(l.queue(id, outputOf(worker)), l.begin(id))...)
		l.end(random, id, p)
	}
}

// ofQueue is one runner after the other, and retries of what failed.
func (l *ledgerOfRuns) ofQueue(runs int) {
	random := rand.New(rand.NewPCG(7, 1))
	failed := ""
	for i := 0; i < runs && !l.over(); i++ {
		id, command := fmt.Sprintf("nightly %d", i), "job-run"
		if failed != "" {
			id, command, failed = failed, "job-retry", ""
		} else {
			l.do(l.queue(id, "queue.mp4")...)
		}
		var p *host.Proc
		l.do(func() (err error) { p, err = l.h.StartRunner(0, command, id); return err })
		imports(random)
		if command == "job-retry" {
			l.do(func() error { return l.folder.Retry(id) })
		}
		l.do(l.begin(id))
		if l.end(random, id, p) == "failed" {
			failed = id
		}
	}
}

// ofWebUI is the instant runner's: one run after the other, in a process that lives on.
func (l *ledgerOfRuns) ofWebUI(ui *webUI, runs int) {
	random := rand.New(rand.NewPCG(8, 1))
	for n := 0; n < runs && !l.over(); n++ {
		time.Sleep(between(random, 500*time.Millisecond, 2*time.Second))
		var id string
		l.do(func() error { id = ui.click(); return nil })
		time.Sleep(between(random, 500*time.Millisecond, 4*time.Second))
		switch random.IntN(8) {
		case 0, 1:
			l.do(func() error { ui.raise(); return nil })
			l.note(id, "orphaned", "exception or superseded")
		case 2:
			l.do(func() error {
				ui.tally.Begin("stop")
				ui.tally.End("stop", 0, true)
				return ui.endWith(l.folder.Fail(id))
			})
			l.note(id, "stopped", "")
			l.gradioIsAsked()
		case 3:
			l.do(func() error { return ui.endWith(l.folder.Fail(id)) })
			l.note(id, "failed", "")
			l.gradioIsAsked()
		default:
			l.do(func() error { return l.folder.CompleteStep(id, 0) }, func() error { return ui.endWith(l.folder.Complete(id)) })
			l.note(id, "completed", "")
		}
	}
}

// gradioIsAsked waits until the collector has asked what the run was: of a run that failed and one
// that was stopped within seconds, Gradio's count does not say which was which.
func (l *ledgerOfRuns) gradioIsAsked() { time.Sleep(22 * time.Second) }

// endWith ends the call of a run well.
func (u *webUI) endWith(err error) error {
	u.tally.End("run", 1, true)
	u.say()
	return err
}

// compareCounts: in time the page counts each run by its outcome, and then nothing is reported
// again. It returns how many there were of each.
func (l *ledgerOfRuns) compareCounts(c *collector, within, quietFor time.Duration) map[string]float64 {
	finished := map[string]float64{}
	for _, outcomes := range l.outcomes {
		for _, outcome := range outcomes {
			finished[outcome]++
		}
	}
	for end := time.Now().Add(within); time.Now().Before(end) && !maps.Equal(finishedOn(c.page(l.t)), finished); {
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(quietFor)
	assert.Equal(l.t, finished, finishedOn(c.page(l.t)))
	l.t.Logf("%d runs by outcome: %v; lost by reason: %v", l.runs, finished, l.reasons)
	return finished
}

// compareTraces: each run has one trace, with its outcome. What was reported of a job that is
// another is printed.
func (l *ledgerOfRuns) compareTraces(file, events string) {
	reported := map[string][]string{}
	for _, span := range read(l.t, file) {
		if span.Name() != "facefusion.job" {
			continue
		}
		job, _ := span.Attributes().Get("facefusion.job.id")
		outcome, _ := span.Attributes().Get("facefusion.outcome")
		reported[job.Str()] = append(reported[job.Str()], outcome.Str())
	}
	for _, job := range slices.Sorted(maps.Keys(l.outcomes)) {
		if !assert.Equal(l.t, l.outcomes[job], reported[job], job) {
			l.printEvents(events, job)
		}
	}
	assert.Len(l.t, reported, len(l.outcomes))
}

func (l *ledgerOfRuns) printEvents(file, job string) {
	for _, r := range readRecords(l.t, file) {
		if id, there := r.Attributes().Get("facefusion.job.id"); there && id.Str() == job {
			l.t.Log(r.Timestamp().AsTime().Format(time.StampMilli), r.EventName(), r.Attributes().AsRaw())
		}
	}
}

// keepDiskBusy writes and syncs until the test has ended.
func keepDiskBusy(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "load"))
	require.NoError(t, err)
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		block := make([]byte, 16<<20)
		for i := int64(0); ; i++ {
			select {
			case <-done:
				return
			default:
			}
			_, err := file.WriteAt(block, i%8*int64(len(block)))
			assert.NoError(t, err)
			assert.NoError(t, file.Sync())
		}
	})
	t.Cleanup(func() {
		close(done)
		writer.Wait()
		assert.NoError(t, file.Close())
	})
}
