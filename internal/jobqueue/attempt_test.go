package jobqueue

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// FuzzAttempt has an attempt take in any file that can be parsed.
func FuzzAttempt(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/jobs/*/*/*.json")
	require.NoError(f, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := jobfile.Parse(bytes.NewReader(text), jobfile.KeepNeeded)
		if err != nil {
			return
		}
		a := newAttempt(RunID{Job: "a", Attempt: 1}, jobfile.OriginOther, &d)
		a.absorb(&d, time.Now())
		a.publish()
		if n := newRerun(RunID{Job: "a", Attempt: 2}, jobfile.OriginOther, &d).current(); n >= len(d.Steps) {
			t.Fatal("runs a step that it does not have")
		}
	})
}
