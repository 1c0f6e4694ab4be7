package jobqueue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// TestSuspectsTakeTurns: 10,000 jobs that say that they run made a pass take more than 5 s. A pass
// ends in time, and each job has its turn before any has another.
func TestSuspectsTakeTurns(t *testing.T) {
	h := watching(t, Settings{})
	const jobs = 3*fewSuspects + 10
	for i := range jobs {
		h.job(fmt.Sprintf("queued/headless-2026-01-01-00-00-%d", i), "started")
	}
	f := h.watcher.folders[0]
	h.pass()
	once := func() {
		h.evaluate(&pass{now: h.now, evidence: Evidence{"facefusion-3f2a": {Time: h.now}}, answered: func() { time.Sleep(turnBudget) }})
	}
	for len(f.turn) > 0 {
		once()
	}
	require.Len(t, f.suspects, jobs)
	jobsOf := func(at time.Time) (n int) {
		for j := range f.suspects {
			if j.progress.filesAt.Equal(at) {
				n++
			}
		}
		return n
	}
	for j := range f.suspects {
		j.progress.filesAt = time.Time{}
	}
	var passes []time.Time
	for i := range 4 {
		h.advance(time.Second)
		once()
		passes = append(passes, h.now)
		assert.Equal(t, i == 3, len(f.turn) == 0, "%d of %d are left", len(f.turn), jobs)
	}
	for i, want := range []int{fewSuspects, fewSuspects, fewSuspects, 10} {
		assert.Equal(t, want, jobsOf(passes[i]), i)
	}
}

// evaluate is the last part of a pass.
func (h *harness) evaluate(p *pass) {
	h.t.Helper()
	f := h.watcher.folders[0]
	_, _, err := h.watcher.identify(&f.at)
	require.NoError(h.t, err)
	f.probe(p)
	defer f.land()
	f.evaluateSuspects(p)
}

// TestAJobWithoutAProcessCostsItsOwn: whether the jobs of processes run was found out by going
// through all jobs, for each.
func TestAJobWithoutAProcessCostsItsOwn(t *testing.T) {
	h := watching(t, Settings{})
	for i := range 100 {
		h.job(fmt.Sprintf("queued/headless-2026-01-01-00-00-%d", i), "started")
	}
	h.pass()
	f := h.watcher.folders[0]
	h.runner("headless-run")
	l := gather(Evidence{"": h.evidence}, []string{""})
	l.listed = h.now
	id := l.processes[0].ProcessID
	for j := range f.suspects {
		j.attempt.claim.seen = h.now.Add(time.Hour)
		assert.Zero(t, testing.AllocsPerRun(10, func() { f.takeOver(j, l) }))
		f.usedUp[id] = processUse{name: "headless-2026-01-01-00-00-7.json"}
		f.takeOver(j, l)
		assert.Empty(t, j.attempt.claim.holders, "that job runs")
		f.usedUp[id] = processUse{name: "gone.json"}
		f.takeOver(j, l)
		assert.Equal(t, []ProcessID{id}, j.attempt.claim.holders)
		break
	}
}

// TestAPassSaysThatItIsAnswered between all that it looks at.
func TestAPassSaysThatItIsAnswered(t *testing.T) {
	h := watching(t, Settings{})
	for i := range 100 {
		h.job(fmt.Sprint("queued/job-", i), "started")
	}
	h.pass()
	// Where that pass had no time for all, the next begins with the rest.
	h.watcher.folders[0].turn = nil
	answers := 0
	p := &pass{now: h.now, evidence: Evidence{}, answered: func() { answers++ }, deadline: time.Now().Add(time.Hour)}
	h.evaluate(p)
	assert.Equal(t, 200, answers, "each is looked at, and judged")
}

// TestAPassThatTakesLong is named, whether it is its file system that is slow or its own work.
func TestAPassThatTakesLong(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, jobsdir.Names[jobsdir.Queued]), 0o755))
	w := NewWatcher(Settings{Gate: hostfs.NewGate(hostfs.Settings{Patience: 10 * time.Millisecond, Deadline: time.Hour})})
	release := make(chan struct{})
	newHinter := w.newHinter
	w.newHinter = func() *jobsdir.Hinter {
		h := newHinter()
		h.AddWatch = func(*fsnotify.Watcher, string) error { <-release; return errors.New("no hints") }
		return h
	}
	begin := time.Now()
	observe := func(at time.Time) *Snapshot {
		s, err := w.observeAt(t.Context(), []Folder{{Instance: "a", Path: dir}}, nil, at)
		require.NoError(t, err)
		return s
	}
	for observe(begin); w.folders[0].flight == nil; observe(begin) {
		// So little patience may end before it is known which folder it is.
		require.Less(t, time.Since(begin), time.Minute)
	}
	for after, behind := range map[time.Duration][]string{0: nil, behindAfter: {"a"}} {
		assert.Equal(t, behind, observe(begin.Add(after)).Behind)
	}
	w.Close()
	close(release)
}
