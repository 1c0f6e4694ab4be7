package jobqueue

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestWhatIsCountedOfAJob: 24,000 jobs that had been run took 220 MB, and 62 were counted. What is
// kept is measured here, to which comes what is made anew at each pass, and the collector's slack.
func TestWhatIsCountedOfAJob(t *testing.T) {
	const jobs = 1000
	for _, c := range []struct {
		status string
		times  float64
	}{{"queued", 1}, {"started", 2}} {
		h := watching(t, Settings{})
		for range 2 {
			h.process(RoleServer, time.Hour)
			h.evidence.Processes[len(h.evidence.Processes)-1].CPU = reading.Known(1.0)
		}
		h.created = make(map[string]time.Time, 2*jobs)
		before := heap()
		for i := range jobs {
			h.job(fmt.Sprintf("queued/headless-2026-01-01-00-00-%d", i), c.status)
		}
		h.tick(12 * time.Second)
		h.took()
		kept := float64(heap()) - float64(before)
		counted := float64(h.watcher.folders[0].bytes())
		t.Logf("%s: %.0f bytes are kept of a job, %.0f are counted", c.status, kept/jobs, counted/jobs)
		assert.GreaterOrEqual(t, counted, c.times*kept, c.status)
		assert.Less(t, counted, (c.times+1)*kept, "%s: nor is it far too much", c.status)
	}
}

// TestWhatIsCountedOfATombstone, with what a map leaves free.
func TestWhatIsCountedOfATombstone(t *testing.T) {
	for _, n := range []int{3_000, 30_000, 100_000} {
		before := heap()
		f := jobsFolder{tombstones: make(map[uint64]tombstone)}
		for i := range n {
			f.tombstones[hashName(fmt.Sprint(i))] = tombstone{gone: time.Now()}
		}
		kept := int64(heap() - before)
		t.Logf("%d: %d bytes each", n, kept/int64(n))
		assert.GreaterOrEqual(t, f.bytes(), kept, n)
	}
}

// TestJobsThatRunAreBounded: fewer jobs that run find room in a folder than jobs that wait; a known
// one that starts finds some where no new job does.
func TestJobsThatRunAreBounded(t *testing.T) {
	h := watching(t, Settings{})
	h.job("queued/known", "queued")
	h.pass()
	f := h.watcher.folders[0]
	f.kept += maxFolderBytes - f.bytes() - runBytes // other jobs
	h.job("queued/new", "started")
	h.tick(10 * time.Second)
	assert.Equal(t, "waiting 1 unreadable 1", counts(h.queue()))
	assert.Equal(t, errFolderFull.Error(), h.queue().OversizedReason)
	h.job("queued/known", "started")
	h.pass()
	assert.Equal(t, "running 1 unreadable 1", counts(h.queue()))
}

// TestAJobThatWasLeftOutEnds: a job of a full folder is in no count until it has ended.
func TestAJobThatWasLeftOutEnds(t *testing.T) {
	h := watching(t, Settings{})
	h.pass()
	f := h.watcher.folders[0]
	f.kept += maxFolderBytes // other jobs
	h.job("queued/late", "queued")
	h.tick(3 * time.Second)
	assert.Empty(t, counts(h.queue()))
	assert.Equal(t, 1, h.queue().Oversized)
	h.job("queued/late", "started")
	h.tick(2 * time.Second)
	assert.Empty(t, counts(h.queue()))
	h.end("late", "completed")
	h.tick(3 * time.Second)
	assert.Equal(t, "completed 1", counts(h.queue()))
	assert.EqualValues(t, 1, sumRuns(h.queue()))

	f.kept += maxFolderBytes / runPart // there is an end to that
	h.job("completed/later", "completed")
	h.tick(10 * time.Second)
	assert.Equal(t, "completed 1", counts(h.queue()))
	assert.Equal(t, 1, h.queue().Oversized)
}

// TestWhatEscapesAPayersBound is nobody else's.
func TestWhatEscapesAPayersBound(t *testing.T) {
	r := &room{}
	mallory := r.enter("mallory")
	require.ErrorIs(t, mallory.fits(10*maxBytes, 0), errFolderFull)
	require.NoError(t, r.enter("honest").fits(0, littleBytes))
	require.EqualValues(t, maxPayerBytes, r.bytes)
	require.NoError(t, mallory.fits(1<<20, 0))
	require.EqualValues(t, 1<<20, r.bytes)
	_ = mallory.fits(10*maxBytes, 0)
	mallory.move("root")
	require.EqualValues(t, maxPayerBytes, r.bytes)
	mallory.end()
	require.Zero(t, r.bytes)
}

// TestARunThatEndedTakesNoMore than what is remembered of it.
func TestARunThatEndedTakesNoMore(t *testing.T) {
	h := watching(t, Settings{})
	h.job("queued/a", "queued")
	h.pass()
	f := h.watcher.folders[0]
	waiting := f.bytes()
	h.job("queued/a", "started")
	h.pass()
	assert.Equal(t, waiting+runBytes, f.bytes())
	h.end("a", "completed")
	h.tick(5 * time.Second)
	assert.EqualValues(t, 2*finishedBytes, f.bytes(), "the file, and the run")
	assert.Equal(t, int64(stepBytes), (&job{}).sizeOf(&jobfile.Document{Steps: make([]jobfile.PlannedStep, 1)}))
}
