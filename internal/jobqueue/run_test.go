package jobqueue

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestARunHoldsAllThatATraceNeeds follows one job with two steps, every version seen, and compares
// all of it.
func TestARunHoldsAllThatATraceNeeds(t *testing.T) {
	for _, keep := range []bool{false, true} {
		h := newHarness(t, Settings{KeepPaths: keep})
		h.process(RoleRunner, time.Second)
		h.pass()
		// The dates in the file, and its own, a millisecond later
		var at, written []reading.Value[time.Time]
		step := func(d time.Duration, name string, statuses ...string) {
			h.advance(d)
			h.job(name, statuses...)
			at = append(at, reading.Known(h.now.Add(-time.Millisecond).UTC()))
			written = append(written, reading.Known(h.now.UTC()))
			h.pass()
		}
		step(0, "queued/nightly", "queued", "queued")
		step(3*time.Second, "queued/nightly", "started", "queued")
		step(10*time.Second, "queued/nightly", "completed", "queued")
		step(0, "queued/nightly", "completed", "started")
		step(20*time.Second, "queued/nightly", "completed", "completed")
		h.mv("queued/nightly", "completed/nightly")
		h.pass()
		last := h.changes[len(h.changes)-1]
		require.True(t, last.Ended)
		assert.Equal(t, "facefusion-3f2a", last.Instance)
		traits := jobfile.Traits{Media: jobfile.MediaVideo, Processors: "face_enhancer,face_swapper", Models: "gfpgan_1.4,inswapper_128", Encoder: "libx264"}
		want := &Run{
			RunID:  RunID{Job: "nightly", Created: h.created["nightly"].UTC(), Attempt: 1},
			Origin: jobfile.OriginOther, Media: jobfile.MediaVideo, Outcome: OutcomeCompleted, Basis: BasisFile,
			Queued: written[0], Started: at[1], Ended: written[4],
			Steps: []Step{
				{Outcome: OutcomeCompleted, Started: at[1], Ended: at[2], Traits: traits},
				{Outcome: OutcomeCompleted, Started: at[3], Ended: at[4], Traits: traits},
			},
		}
		if keep {
			for i := range want.Steps {
				want.Steps[i].Target, want.Steps[i].Output = "/data/in/clip.mp4", "/data/out/clip.mp4"
			}
		}
		want.Trace = TraceOf(want.RunID)
		got := *last.Run
		utc(&got)
		assert.Equal(t, want, &got)
		assert.InDelta(t, 3, got.Wait().V.Seconds(), 0.1)
		assert.InDelta(t, 30, got.Duration().V.Seconds(), 0.1)
		if !keep {
			text := fmt.Sprintf("%+v", h.last)
			assert.NotContains(t, text, "/data/")
			assert.NotContains(t, text, "somebody")
		}
	}
}

// utc drops the zones, which testify compares.
func utc(r *Run) {
	r.Created = r.Created.UTC()
	values := []*reading.Value[time.Time]{&r.Queued, &r.Started, &r.Ended}
	for i := range r.Steps {
		values = append(values, &r.Steps[i].Started, &r.Steps[i].Ended)
	}
	for _, v := range values {
		v.V = v.V.UTC()
	}
}

// TestPublishedRunsDoNotChange holds a run while the job goes on.
func TestPublishedRunsDoNotChange(t *testing.T) {
	h := newHarness(t, Settings{})
	h.process(RoleRunner, time.Second)
	h.pass()
	h.job("queued/a", "started")
	h.pass()
	run := h.queue().Open[0]
	before := fmt.Sprintf("%+v", run)
	h.end("a", "completed")
	h.pass()
	assert.Equal(t, before, fmt.Sprintf("%+v", run))
	assert.Empty(t, h.queue().Open)
}

func TestExemplarsNameTheLastRunOfABucket(t *testing.T) {
	h := newHarness(t, Settings{})
	h.process(RoleRunner, time.Second)
	h.pass()
	for i, seconds := range []int{4, 40, 5} {
		id := fmt.Sprint("queued/", i)
		h.job(id, "started")
		h.tick(time.Duration(seconds) * time.Second)
		h.job(id, "completed")
		h.mv(id, fmt.Sprint("completed/", i))
		h.pass()
	}
	require.Len(t, h.queue().Runs, 1)
	d := h.queue().Runs[0].Duration
	require.Len(t, d.Exemplars, 3, "4 s, 5.002 s and 40 s fall into three buckets")
	assert.Equal(t, []string{"0", "2", "1"}, []string{d.Exemplars[0].Run.Job, d.Exemplars[1].Run.Job, d.Exemplars[2].Run.Job})
	assert.InDelta(t, 40, d.Exemplars[2].Value, 0.1)
	assert.Equal(t, -1, d.Exemplars[0].Step)
	assert.Equal(t, 0, h.queue().Steps[0].Duration.Exemplars[0].Step)
	assert.Equal(t, DurationBounds, d.Bounds)
}

// A batch waits and begins before a job that ends before it does.
func TestExemplarsDoNotGoBackInTime(t *testing.T) {
	h := newHarness(t, Settings{})
	h.process(RoleRunner, time.Second)
	h.pass()
	for _, id := range []string{"queued/batch", "queued/job"} {
		h.job(id, "queued")
		h.pass()
		h.tick(4 * time.Second)
		h.job(id, "started")
		h.pass()
	}
	for _, id := range []string{"job", "batch"} {
		h.tick(10 * time.Second)
		h.end(id, "completed")
		h.pass()
	}
	require.Len(t, h.queue().Runs, 1)
	wait := h.queue().Runs[0].Wait
	require.EqualValues(t, 2, wait.Count)
	require.Len(t, wait.Exemplars, 1, "both fall into one bucket")
	assert.Equal(t, "job", wait.Exemplars[0].Run.Job, "it began later")
}

func TestMixedMedia(t *testing.T) {
	d := jobfile.Document{Steps: []jobfile.PlannedStep{{Traits: jobfile.Traits{Media: jobfile.MediaVideo}}, {Traits: jobfile.Traits{Media: jobfile.MediaImage}}}}
	assert.Equal(t, jobfile.MediaMixed, newAttempt(RunID{}, jobfile.OriginOther, &d).run.Media)
	assert.Equal(t, jobfile.MediaOther, newAttempt(RunID{}, jobfile.OriginOther, &jobfile.Document{}).run.Media)
	d.Steps[0].Traits.Media = jobfile.MediaImage
	assert.Equal(t, jobfile.MediaImage, newAttempt(RunID{}, jobfile.OriginOther, &d).run.Media)
}

// TestADateThatIsNotTheFiles is that of a copied folder.
func TestADateThatIsNotTheFiles(t *testing.T) {
	at := time.Now()
	st := &jobsdir.FileStat{MTime: at.UnixNano()}
	for ago, want := range map[time.Duration]time.Duration{0: 0, 3 * time.Millisecond: 3 * time.Millisecond, time.Hour: 0, -time.Hour: 0, 9 * time.Second: 9 * time.Second} {
		d := &jobfile.Document{Updated: at.Add(-ago)}
		assert.Equal(t, at.Add(-want).UnixNano(), writtenAt(d, st).UnixNano(), ago)
	}
}

// TestRecordedFolders looks at what three versions of FaceFusion left.
func TestRecordedFolders(t *testing.T) {
	for _, version := range []string{"3.0.0", "3.2.0", "3.8.1"} {
		h := watching(t, Settings{})
		paths, err := filepath.Glob(filepath.Join("../../testdata/jobs", version, "*", "*.json"))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			h.write(filepath.Base(filepath.Dir(path))+"/"+strings.TrimSuffix(filepath.Base(path), jobsdir.Extension), text)
		}
		h.unknown = true
		h.pass()
		assert.Equal(t, "drafted 2 waiting 1 running 2 completed 2 failed 1", counts(h.queue()), version)
		for _, r := range h.queue().Runs {
			assert.Equal(t, jobfile.MediaVideo, r.Media)
		}
		h.process(RoleServer, -time.Minute)
		h.tick(62 * time.Second)
		assert.Equal(t, "drafted 2 waiting 1 orphaned 2 completed 2 failed 1", counts(h.queue()), "only a process that started later lives")
	}
}

func rootAt(dir string) *hostfs.Root {
	return &hostfs.Root{Gate: hostfs.NewGate(hostfs.Settings{}), Dir: dir}
}

// TestStepFilesAreFoundBelowTheRoot uses files as the process names them.
func TestStepFilesAreFoundBelowTheRoot(t *testing.T) {
	root := t.TempDir()
	at := Folder{Process: rootAt(root), Dir: "/facefusion"}
	s := jobfile.Paths{Target: "/in/clip.mp4", Output: "out/result.mkv"}
	before, ok := stepFiles(&at, s, nil)
	require.True(t, ok)
	assert.Zero(t, before)
	for _, name := range []string{"facefusion/out/result.mkv", "tmp/facefusion/clip/temp.mp4", "tmp/facefusion/clip/temp.mkv", "tmp/facefusion/result/temp.mkv"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("frames"), 0o644))
		after, _ := stepFiles(&at, s, nil)
		assert.NotEqual(t, before, after, name)
		before = after
	}
	_, ok = stepFiles(&Folder{}, s, nil)
	assert.False(t, ok, "without a root there is no way to them")
	s.Output = "../../../../etc/passwd"
	sum, _ := stepFiles(&Folder{Process: rootAt(root)}, s, []string{"/nowhere"})
	assert.Zero(t, sum, "no name leads out of the root")
}

// TestARunThatIsCountedIsReported: a job that lay there half-written at the first pass, and whose
// run ended before it could be read, has an end that was seen. It was counted, and no change of it
// reported, so that counts and traces disagreed.
func TestARunThatIsCountedIsReported(t *testing.T) {
	h := newHarness(t, Settings{})
	text := h.text("clip", "started")
	h.write("queued/clip", text[:len(text)/2])
	h.advance(time.Minute)
	h.pass()
	h.end("clip", "completed")
	h.pass()
	assert.Equal(t, []string{"clip: none -> completed ended completed"}, transitions(h.took()))
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(1), h.queue().Runs[0].Count)
}

// TestARunThatFailedAgainIsReported: a retry that failed again between two looks, of which the
// first saw the file in neither place. It was counted, and no change of it reported, as the job
// had failed before.
func TestARunThatFailedAgainIsReported(t *testing.T) {
	h := newHarness(t, Settings{})
	h.pass()
	h.job("queued/clip", "started")
	h.pass()
	h.end("clip", "failed")
	h.pass()
	h.took()
	h.mv("failed/clip", "../clip")
	h.pass()
	h.job("../clip", "failed")
	h.mv("../clip", "failed/clip")
	h.pass()
	assert.Equal(t, []string{"clip: failed -> failed ended failed attempt 2"}, transitions(h.took()))
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(2), h.queue().Runs[0].Count)
}
