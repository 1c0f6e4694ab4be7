package logstream

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// readEvery is how often a reader reads a file.
const readEvery = 200 * time.Millisecond

// written are the records of a bar, and when FaceFusion wrote them.
type written struct {
	at     []time.Duration
	frames []int64
}

func (w *written) add(at time.Duration, frames int64) {
	w.at, w.frames = append(w.at, at), append(w.frames, frames)
}

// rate is the truth: what was done in the last rateWindow before a moment, by the second.
func (w *written) rate(now time.Duration) float64 {
	return float64(w.done(now)-w.done(now-rateWindow)) / rateWindow.Seconds()
}

func (w *written) done(at time.Duration) int64 {
	after, _ := slices.BinarySearch(w.at, at+1)
	if after == 0 {
		return 0
	}
	return w.frames[after-1]
}

// TestRateWhileAPhaseRuns has bars whose frames come at a speed that is known, read as a reader
// reads: the rate that is shown meanwhile is that of the last 15 seconds, within 2 %, or the frame
// that a slow bar has more or less in them. Recordings cannot say that: their clock has whole
// seconds.
func TestRateWhileAPhaseRuns(t *testing.T) {
	for name, speed := range map[string]func(second float64) float64{
		"steady":  func(float64) float64 { return 30 },
		"slow":    func(float64) float64 { return 2.5 },
		"fast":    func(float64) float64 { return 400 },
		"changes": func(second float64) float64 { return 60 + 50*math.Sin(second/10) },
		"halves": func(second float64) float64 {
			if second > 30 {
				return 20
			}
			return 40
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var truth written
			var unread []byte
			s := NewStream(Settings{}, func(Record) {})
			const tick = time.Millisecond
			done, compared := 0.0, 0
			for at := time.Duration(0); at < 75*time.Second; at += tick {
				before := int64(done)
				done += speed(at.Seconds()) * tick.Seconds()
				if int64(done) > before {
					truth.add(at, int64(done))
					unread = fmt.Appendf(unread, "\rprocessing:  10%%|=         | %d/100000 [%02d:%02d<10:00, 1.00frame/s, execution_providers=['cuda']]", int64(done), int(at.Minutes()), int(at.Seconds())%60)
				}
				if at%readEvery != 0 || len(unread) == 0 {
					continue
				}
				s.Write(epoch.Add(at), unread)
				unread = nil
				if at < rateWindow+time.Second {
					continue
				}
				run := s.Open()[0]
				want := truth.rate(at)
				require.InDelta(t, want, run.Rate, max(0.02*want, 1/rateWindow.Seconds()), "after %v", at)
				require.InEpsilon(t, (100000-done)/run.Rate, run.Left.Seconds(), 0.02)
				compared++
			}
			require.Greater(t, compared, 100)
		})
	}
}
