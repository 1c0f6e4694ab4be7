package jobqueue

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// emptySteps is a job file with n steps that say nothing.
func emptySteps(n int) []byte {
	return []byte(`{"date_created": "2026-11-22T16:00:00.000000+00:00", "steps": [` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]}")
}

// TestAMillionSteps: a file of 3 MB took 1.8 GB and 34 s. It is unreadable, and named; others are
// not late for it.
func TestAMillionSteps(t *testing.T) {
	h := watching(t, Settings{})
	h.write("queued/million", emptySteps(1_000_000))
	h.job("queued/honest", "queued")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	h.tick(10 * time.Second)
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	assert.Equal(t, "waiting 1 unreadable 1", counts(h.queue()))
	assert.Equal(t, 1, h.queue().Oversized)
	assert.Equal(t, "million", h.queue().OversizedJob)
	assert.Equal(t, jobfile.ErrTooManySteps.Error(), h.queue().OversizedReason)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20))
	assert.Less(t, took, 5*time.Second, "on a slow machine, with the race detector")

	h.job("queued/million", "queued") // somebody mends it
	h.pass()
	assert.Equal(t, "waiting 2", counts(h.queue()))
	assert.Zero(t, h.queue().Oversized)
}

// TestManyStepsTogether: what one job may have, many jobs together may not.
func TestManyStepsTogether(t *testing.T) {
	h := watching(t, Settings{})
	fit := maxFolderBytes / int(sizeOf(jobfile.MaxSteps, 0)+jobBytes)
	for i := range fit + 2 {
		h.write(fmt.Sprintf("queued/large-%02d", i), emptySteps(jobfile.MaxSteps))
	}
	h.tick(10 * time.Second)
	assert.Equal(t, fmt.Sprintf("waiting %d unreadable 2", fit), counts(h.queue()))
	assert.Equal(t, 2, h.queue().Oversized)
	assert.Equal(t, errFolderFull.Error(), h.queue().OversizedReason)

	for i := range 3 { // there is room when others go
		require.NoError(t, os.Remove(h.file(fmt.Sprintf("queued/large-%02d", i))))
	}
	h.tick(retryOversized + time.Second)
	assert.Equal(t, fmt.Sprintf("waiting %d", fit-1), counts(h.queue()))
	assert.Zero(t, h.queue().Oversized)
}

// TestManyJobs: a job that waits takes some kilobytes, and a million files cost nothing.
func TestManyJobs(t *testing.T) {
	h := watching(t, Settings{})
	fit := maxFolderBytes / jobBytes
	for i := range fit + 100 {
		h.write(fmt.Sprintf("queued/job-%05d", i), []byte(`{"steps":[]}`))
	}
	h.tick(5 * time.Second)
	queue := h.queue()
	assert.Equal(t, fit, queue.Count(StateWaiting))
	assert.Equal(t, fit+100, queue.Count(StateWaiting)+queue.Oversized)
	assert.Equal(t, errFolderFull.Error(), queue.OversizedReason)

	for i := range 200 {
		require.NoError(t, os.Remove(h.file(fmt.Sprintf("queued/job-%05d", i))))
	}
	h.tick(retryOversized + 2*time.Second)
	queue = h.queue()
	assert.Equal(t, fit-100, queue.Count(StateWaiting))
	assert.Zero(t, queue.Oversized)
}

// longPaths is a job file with n steps that have long paths.
func longPaths(n int, status string) []byte {
	path := strings.Repeat("a", 700)
	var steps []string
	for i := range n {
		steps = append(steps, fmt.Sprintf(`{"args": {"target_path": "/in/%s/%d.mp4", "output_path": "/out/%[1]s/%d.mp4", "face_swapper_model": "m%[2]d", "processors": ["face_swapper"]}, "status": %[3]q}`, path, i, status))
	}
	return []byte(`{"date_created": "2026-11-22T16:00:00.000000+00:00", "steps": [` + strings.Join(steps, ",") + "]}")
}

// TestPathsAreNotKept: of a plan of 15 MB some MB are kept, whatever its steps are called and do.
func TestPathsAreNotKept(t *testing.T) {
	h := watching(t, Settings{})
	h.write("queued/plan", longPaths(jobfile.MaxSteps, "queued"))
	before := heap()
	h.tick(time.Second)
	took := int64(heap()) - int64(before)
	require.Equal(t, "waiting 1", counts(h.queue()))
	assert.Less(t, took, sizeOf(jobfile.MaxSteps, 0)+1<<20)
	f := h.watcher.folders[0]
	assert.Positive(t, f.kept)
	require.NoError(t, os.Remove(h.file("queued/plan")))
	h.tick(time.Second)
	assert.Zero(t, f.kept)
	assert.Zero(t, h.watcher.room.bytes)
}

// TestLargeFilesTakeTurns: whoever writes large files again and again has some of them read, and
// small ones are read at once.
func TestLargeFilesTakeTurns(t *testing.T) {
	h := watching(t, Settings{})
	text := longPaths(jobfile.MaxSteps/4, "queued")
	fit := readAtOnce / len(text)
	for i := range fit + 2 {
		h.write(fmt.Sprintf("queued/plan-%d", i), text)
	}
	h.job("queued/honest", "queued")
	h.advance(100 * time.Millisecond) // or they are looked at again, as they may change
	h.pass()
	assert.Equal(t, fmt.Sprintf("waiting %d", fit+1), counts(h.queue()))
	assert.False(t, h.watcher.folders[0].unfinished(), "who waits for his own turn is not late")
	h.tick(3 * time.Second)
	assert.Equal(t, fmt.Sprintf("waiting %d", fit+3), counts(h.queue()))
}

// TestAJobOfAFullFolderStarts: what is kept of a run beside its steps finds room where the job had
// some.
func TestAJobOfAFullFolderStarts(t *testing.T) {
	h := watching(t, Settings{})
	const jobs = 10
	for i := range jobs {
		h.job(fmt.Sprintf("queued/job-%d", i), "queued", "queued")
	}
	h.tick(3 * time.Second)
	f := h.watcher.folders[0]
	for i := 0; ; i++ {
		steps := min(jobfile.MaxSteps, int(maxFolderBytes-f.bytes()-jobBytes)/stepBytes)
		if steps <= 0 {
			break
		}
		h.write(fmt.Sprintf("queued/large-%d", i), emptySteps(steps))
		h.tick(time.Second)
	}
	require.Zero(t, h.queue().Oversized)
	for i := range jobs {
		h.job(fmt.Sprintf("queued/job-%d", i), "started", "queued")
	}
	h.tick(3 * time.Second)
	assert.Equal(t, jobs, h.queue().Count(StateRunning))
	assert.Zero(t, h.queue().Oversized)
}

// TestTheRoomIsShared: a user with many folders leaves room for others, and gives back what he had.
func TestTheRoomIsShared(t *testing.T) {
	r := &room{}
	fill := func(payer string) (had int64, err error) {
		for {
			s := r.enter(payer)
			for has := int64(0); ; has += 1 << 20 {
				if err = s.fits(has, 1<<20); err != nil {
					_ = s.fits(has, 0)
					had += has
					break
				}
			}
			if !errors.Is(err, errFolderFull) {
				return had, err
			}
		}
	}
	had, err := fill("mallory")
	require.ErrorIs(t, err, errPayerFull)
	require.EqualValues(t, maxPayerBytes, had)
	for i := range 7 {
		had, err = fill(fmt.Sprint("accomplice ", i))
		require.ErrorIs(t, err, errAllFull)
		require.EqualValues(t, littleBytes, had)
	}
	honest := r.enter("honest")
	require.NoError(t, honest.fits(0, littleBytes))
	require.NoError(t, honest.fits(littleBytes, 0))
	require.ErrorIs(t, r.enter("late").fits(0, 1), errAllFull)
	honest.move("root")
	require.EqualValues(t, littleBytes, r.payers["root"].bytes)
	require.NotContains(t, r.payers, "honest")
	honest.end()
	require.EqualValues(t, maxBytes-littleBytes, r.bytes)
}

// countStep has a step with a model end.
func countStep(to *totals, model string, i int) {
	d := jobfile.Document{Steps: []jobfile.PlannedStep{{Status: jobfile.StatusStarted, Traits: jobfile.Traits{Media: jobfile.MediaVideo, Processors: "face_swapper", Models: model}}}}
	a := newAttempt(RunID{Job: "a", Attempt: 1}, jobfile.OriginOther, &d)
	a.absorb(&d, time.Unix(int64(i), 0))
	d.Steps[0].Status = jobfile.StatusCompleted
	a.absorb(&d, time.Unix(int64(i)+1, 0))
	to.addSteps(a)
	to.addSteps(a)
}

func stepsOf(all *totals) map[string]uint64 {
	_, steps := all.publish()
	byModel := map[string]uint64{}
	for i := range steps {
		byModel[steps[i].Models] += steps[i].Duration.Count
	}
	return byModel
}

// TestInventedModelsLeaveRoomForOwnOnes: 400 names that somebody invented used up all combinations,
// and an honest model was "other" from then on.
func TestInventedModelsLeaveRoomForOwnOnes(t *testing.T) {
	all := newTotals(false)
	for i := range 400 {
		countStep(all, fmt.Sprint("model_", i), i)
	}
	countStep(all, "inswapper_128", 500)
	countStep(all, "hyperswap_1a_256", 501)
	steps := stepsOf(all)
	assert.Len(t, steps, maxForeignModels+3)
	assert.EqualValues(t, 1, steps["inswapper_128"])
	assert.EqualValues(t, 1, steps["hyperswap_1a_256"])
	assert.EqualValues(t, 1, steps["model_0"])
	assert.EqualValues(t, 400-maxForeignModels, steps[jobfile.Other])
	assert.EqualValues(t, 400-maxForeignModels, all.models.over)
}

// TestCombinationsAreBounded: neither combinations with invented models nor those of FaceFusion's
// own grow without end.
func TestCombinationsAreBounded(t *testing.T) {
	own := func(i int) string { return []string{"gfpgan_1.2", "gfpgan_1.3", "gfpgan_1.4", "codeformer"}[i%4] }
	all := newTotals(false)
	for i := range 10 * maxForeignModels * 4 {
		countStep(all, own(i)+fmt.Sprint(",model_", i/4%maxForeignModels)+fmt.Sprint(",model_", i/80%maxForeignModels), i)
	}
	assert.Equal(t, maxForeignKeys, all.foreignKeys)
	assert.LessOrEqual(t, len(all.steps), maxForeignKeys+4, "the rest is told by FaceFusion's own models")
	for i := range 10 * maxStepKeys { // in every order of names
		names := []string{own(i), own(i / 4), own(i / 16), own(i / 64), own(i / 256)}
		countStep(all, strings.Join(names, ","), i)
	}
	assert.LessOrEqual(t, len(all.steps), maxStepKeys+1)
	var total uint64
	for _, n := range stepsOf(all) {
		total += n
	}
	assert.EqualValues(t, 10*maxForeignModels*4+10*maxStepKeys, total, "none is lost")
}

// TestRestoredModelsStayWhatTheyWere: the names that were reported before a restart are reported
// after it.
func TestRestoredModelsStayWhatTheyWere(t *testing.T) {
	before, after := newTotals(false), newTotals(false)
	for i := range maxForeignModels {
		countStep(before, fmt.Sprint("model_", i), i)
	}
	var saved savedFolder
	before.save(&saved)
	after.restore(&saved)
	countStep(after, "another", 100)
	countStep(after, "model_7", 101)
	steps := stepsOf(after)
	assert.EqualValues(t, 2, steps["model_7"])
	assert.NotContains(t, steps, "another")
	assert.Equal(t, maxForeignModels, after.foreignKeys)
}

// TestAFolderThatIsBehind: a folder with more changes than can be read is named, and makes no
// observation old: its owner could have an alert fire for everybody.
func TestAFolderThatIsBehind(t *testing.T) {
	h := newHarness(t, Settings{})
	for i := range 3000 {
		h.job(fmt.Sprintf("queued/job-%d", i), "queued")
	}
	observe := func() *Snapshot {
		s, err := h.watcher.observeAt(t.Context(), h.folders, nil, h.now)
		require.NoError(t, err)
		return s
	}
	require.Empty(t, observe().Behind)
	h.advance(behindAfter)
	s := observe()
	require.True(t, h.watcher.folders[0].unfinished(), "3,000 files in two passes")
	require.Equal(t, h.now, s.Oldest)
	require.Equal(t, []string{"facefusion-3f2a"}, s.Behind)
	h.pass()
	assert.Empty(t, h.last.Behind)
}
