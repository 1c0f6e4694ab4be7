package logs

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The collector's parser finds the frames, the duration and the cause that were written.
func TestCollectorUnderstandsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := New(&out)
		require.NoError(t, l.Line("CORE", "processing step %d of %d", 1, 1))
		for _, bar := range []*Bar{l.Analyse(250, 0), l.Process(250)} {
			bar.began = time.Now()
			for done := range 251 {
				require.NoError(t, bar.Show(done))
				time.Sleep(20 * time.Millisecond)
			}
			require.NoError(t, bar.End())
		}
		require.NoError(t, l.Process(40).Show(0))
		require.NoError(t, l.Traceback())
		var texts []string
		s := logstream.NewStream(logstream.Settings{}, func(r logstream.Record) { texts = append(texts, string(r.Event)) })
		s.Write(time.Now(), out.Bytes())
		s.Cut()
		totals := s.Totals()
		require.Equal(t, int64(250), totals.Frames[logstream.PhaseAnalysing.Index()])
		require.Equal(t, int64(250), totals.Frames[logstream.PhaseProcessing.Index()])
		require.InDelta(t, 5.02, totals.Time[logstream.PhaseAnalysing.Index()].Seconds(), 0.05)
		require.Equal(t, int64(1), totals.Causes[logstream.CauseGPUMemory.Index()])
		require.Equal(t, []string{"step_started", "phase", "phase", "gpu_out_of_memory", "phase", "exception"}, texts)
	})
}

func TestNobodysLog(t *testing.T) {
	var l *Stderr
	require.NoError(t, l.Line("CORE", "processing stopped"))
	require.NoError(t, l.Process(1).End())
}
