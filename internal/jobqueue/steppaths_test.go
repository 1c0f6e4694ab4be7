package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestWhatAnFFmpegWorksOn, by the command lines of FaceFusion 3.2 and 3.8.
func TestWhatAnFFmpegWorksOn(t *testing.T) {
	t.Parallel()
	paths := pathsOf(&Folder{Dir: "/opt/facefusion"}, jobfile.Paths{Target: "in/clip.mp4", Output: "/out/swapped.mp4"})
	for name, c := range map[string]struct {
		arguments []string
		own, near bool
	}{
		"a reader of the target":             {[]string{"in/clip.mp4"}, false, true},
		"a reader, by its whole path":        {[]string{"/opt/facefusion/in/clip.mp4"}, false, true},
		"an encoder of the temporary video":  {[]string{"/tmp/facefusion/swapped/temp.mp4"}, true, false},
		"one that FaceFusion 3.2 names":      {[]string{"/opt/facefusion/in/clip.mp4", "/tmp/facefusion/clip/%08d.png"}, true, true},
		"the output of the step":             {[]string{"/tmp/x", "/out/swapped-ui-2026-11-25-22-00-00-0.mp4"}, true, false},
		"the output of the job":              {[]string{"/tmp/tmpx1", "/out/swapped.mp4"}, true, false},
		"temporary files elsewhere":          {[]string{"/scratch/facefusion/swapped/temp.mp4"}, true, false},
		"another's output beside it":         {[]string{"/out/other.mp4"}, false, false},
		"another's temporary folder":         {[]string{"/tmp/facefusion/swapped2/temp.mp4"}, false, false},
		"another target of the same name":    {[]string{"/elsewhere/clip.mp4"}, false, false},
		"a preview's, which names no file":   {nil, false, false},
		"a folder of the output's beginning": {[]string{"/out/swapped/other.mp4"}, false, false},
	} {
		assert.Equal(t, c.own, paths.own(c.arguments), name)
		assert.Equal(t, c.near, paths.near(c.arguments), name)
	}
	none := stepPaths{}
	assert.False(t, none.own([]string{"/out/x.mp4"}))
	assert.False(t, none.near([]string{""}))
}

// TestAnotherJobsFFmpegIsNoProgress: of two jobs, one is worked on, and the other one is stalled.
func TestAnotherJobsFFmpegIsNoProgress(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Minute})
	h.runner("job-run-all")
	h.job("queued/a", "started")
	h.evidence.CPU = reading.Known(1.0)
	h.evidence.FFmpeg = reading.Known([][]string{})
	h.tick(10 * time.Second)
	for range 5 { // an ffmpeg after another, of somebody else
		h.evidence.FFmpeg = reading.Known([][]string{{"/data/in/other.mp4", "/data/out/other.mp4"}})
		h.tick(10 * time.Second)
		h.evidence.FFmpeg = reading.Known([][]string{})
		h.tick(5 * time.Second)
	}
	assert.Equal(t, 1, h.queue().Count(StateStalled))
	h.evidence.FFmpeg = reading.Known([][]string{{"/tmp/facefusion/clip/temp.mp4"}})
	h.tick(2 * time.Second)
	assert.Equal(t, 1, h.queue().Count(StateRunning), "its own")
}
