package logstream

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWordings has every message of FaceFusion 2.0 to 3.8.2, with what it means.
func TestWordings(t *testing.T) {
	data, err := os.ReadFile("testdata/wordings.txt")
	require.NoError(t, err)
	met := map[EventName]bool{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n") {
		event, text, _ := strings.Cut(line, "\t")
		r := newRecord(epoch, "[FACEFUSION.CORE] "+text)
		require.Equal(t, EventName(event), r.Event, text)
		require.NotZero(t, r.Severity, text)
		met[r.Event] = true
	}
	for _, w := range wordings {
		require.True(t, met[w.event], "no wording of %s", w.event)
	}
}

func TestFieldsOfMessages(t *testing.T) {
	for text, want := range map[string]Fields{
		"processing step 2 of 3":                                            {Step: 2, Steps: 3},
		"running queued job nightly-001":                                    {Job: "nightly-001"},
		"retrying failed job ui-2026-11-25-22-38-59":                        {Job: "ui-2026-11-25-22-38-59"},
		"processing of job None succeeded":                                  {},
		"processing of job a.b failed":                                      {Job: "a.b"},
		"Processing to image succeed in 1.49 seconds":                       {Media: "image", Seconds: 1.49},
		"processing to Video failed":                                        {Media: "video"},
		"loading model inswapper_128 succeeded in 3.25 seconds":             {Model: "inswapper_128", Seconds: 3.25},
		"validating hash for retinaface_10g failed":                         {Model: "retinaface_10g"},
		"copying image with a resolution of 320x240":                        {Resolution: "320x240"},
		"Extracting frames with 25.0 FPS":                                   {},
		"Merging video with a resolution of 1x2 and 30.0 frames per second": {Resolution: "1x2"},
	} {
		require.Equal(t, want, newRecord(epoch, "[FACEFUSION.CORE] "+text).Fields, text)
	}
}

func TestScopesOfAllVersions(t *testing.T) {
	for _, scope := range []string{"FACEFUSION.CORE", "FACEFUSION.FRAME_PROCESSOR.FACE_SWAPPER", "FACEFUSION.PROCESSORS.FRAME.MODULES.FACE_SWAPPER", "FACEFUSION.IMAGE_TO_VIDEO"} {
		r := newRecord(epoch, "["+scope+"] no source face detected!")
		require.Equal(t, scope, r.Module)
		require.Equal(t, CauseNoFace, r.Cause)
	}
	r := newRecord(epoch, "[FACEFUSION.CORE] something new")
	require.Equal(t, SeverityInfo, r.Severity)
	require.Empty(t, r.Event)
}
