package logstream

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream/logtest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recordings are streams of FaceFusion: recorded with its inference left out, and real.
func recordings(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/logs/*/*")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	streams := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		streams[strings.TrimPrefix(file, "../../testdata/logs/")] = data
	}
	return streams
}

var epoch = time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)

// play feeds a stream in pieces of a size, all at one moment unless pace says what time passes with
// each.
func play(data []byte, size int, pace time.Duration) ([]Record, *Stream) {
	var records []Record
	s := NewStream(Settings{}, func(r Record) { records = append(records, r) })
	at := epoch
	for len(data) > 0 {
		n := min(size, len(data))
		s.Write(at, data[:n])
		data = data[n:]
		at = at.Add(pace)
	}
	s.Cut()
	return records, s
}

// TestFramesAndPhasesAreThoseOfTheBars compares the totals with what the bars say, also where the
// whole stream comes at once.
func TestFramesAndPhasesAreThoseOfTheBars(t *testing.T) {
	for name, data := range recordings(t) {
		want := logtest.Read(data)
		for _, size := range []int{13, 16 << 10, len(data) + 1} {
			_, s := play(data, size, 0)
			got := s.Totals()
			for _, open := range s.Open() { // the bars of a process that was killed
				got.Time[open.Phase.Index()] += open.Elapsed
			}
			for i, phase := range Phases {
				require.Equal(t, want.Frames[string(phase)], got.Frames[i], "frames %s of %s in pieces of %d", phase, name, size)
				if seconds := want.Seconds[string(phase)]; seconds > 0 {
					require.InDelta(t, seconds, got.Time[i].Seconds(), max(0.02*seconds, 0.02), "duration of %s of %s in pieces of %d", phase, name, size)
				}
			}
		}
	}
}

// TestRateAndProgressAreThoseOfTheBars: of a phase that has ended, the rate is that of all of it,
// and what is left is nothing.
func TestRateAndProgressAreThoseOfTheBars(t *testing.T) {
	ended := 0
	for name, data := range recordings(t) {
		want := logtest.Read(data)
		records, _ := play(data, 16<<10, 0)
		frames, seconds := map[Phase]float64{}, map[Phase]float64{}
		for _, r := range records {
			if r.Phase == nil || !r.Phase.Ended || r.Phase.Phase.Index() < 0 {
				continue
			}
			ended++
			frames[r.Phase.Phase] += float64(r.Phase.Frames)
			if r.Phase.Rate > 0 {
				seconds[r.Phase.Phase] += float64(r.Phase.Frames) / r.Phase.Rate
			} else {
				seconds[r.Phase.Phase] += r.Phase.Elapsed.Seconds() // no frame was done
			}
			if r.Phase.Completed && r.Phase.Total > 0 {
				require.InDelta(t, 1, r.Phase.Fraction(), 1e-9, "%s of %s", r.Phase.Phase, name)
			}
		}
		for phase, took := range seconds {
			if truth := want.Seconds[string(phase)]; truth > 1 && frames[phase] > 0 && int64(frames[phase]) == want.Frames[string(phase)] {
				require.InEpsilon(t, frames[phase]/truth, frames[phase]/took, 0.02, "rate of %s of %s", phase, name)
			}
		}
	}
	require.Greater(t, ended, 50)
}

func TestNoRecordIsLostOrGlued(t *testing.T) {
	for name, data := range recordings(t) {
		want := logtest.Read(data)
		for _, size := range []int{13, 100, len(data) + 1} {
			records, _ := play(data, size, 0)
			messages, traces := 0, 0
			for _, r := range records {
				if strings.HasPrefix(r.Module, "FACEFUSION") && r.Event != EventDeclined {
					messages++
				}
				if r.Event == EventException || r.Event == EventRejected {
					traces++
				}
				for _, foreign := range []string{"%|", "[FACEFUSION", "\x1b", "\r"} {
					require.NotContains(t, r.Text, foreign, "%s in pieces of %d", name, size)
				}
				require.NotContains(t, r.Text, "/opt/", name)
				require.NotContains(t, r.Text, "/data/", name)
				require.Zero(t, r.Dropped, name)
			}
			require.Equal(t, want.Messages, messages, "%s in pieces of %d", name, size)
			require.Equal(t, want.Tracebacks, traces, "%s in pieces of %d", name, size)
		}
	}
}

// TestRecords has a golden file for each recording, to be read.
func TestRecords(t *testing.T) {
	for name, data := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			records, s := play(data, len(data)+1, 0)
			totals := s.Totals()
			var b strings.Builder
			for _, r := range records {
				fmt.Fprintln(&b, describe(&r))
			}
			for i, n := range totals.Causes {
				if n > 0 {
					fmt.Fprintf(&b, "cause %s %d\n", Causes[i], n)
				}
			}
			for i, n := range totals.Frames {
				if n > 0 {
					fmt.Fprintf(&b, "phase %s %d frames %.2fs\n", Phases[i], n, totals.Time[i].Seconds())
				}
			}
			golden := filepath.Join("testdata", "records", strings.ReplaceAll(name, "/", "-")+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
		})
	}
}

func describe(r *Record) string {
	text, lines, found := strings.Cut(r.Text, "\n")
	if found {
		text += fmt.Sprintf(" … %d more lines, %s", strings.Count(lines, "\n")+1, r.Text[strings.LastIndexByte(r.Text, '\n')+1:])
	}
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	line := fmt.Sprintf("%-5s %-28s %-20s step %d | %s", r.Severity, r.Module, r.Event, r.Step, text)
	if r.Cause != "" {
		line += " | " + string(r.Cause)
	}
	return line
}
