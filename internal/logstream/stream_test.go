package logstream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream/logtest"
)

// write plays a text at one moment and returns the records' texts and the stream.
func write(text string) ([]string, *Stream) {
	records, s := play([]byte(text), len(text)+1, 0)
	texts := make([]string, len(records))
	for i := range records {
		texts[i] = records[i].Text
	}
	return texts, s
}

func TestGluedRecordsComeApart(t *testing.T) {
	const bar = "\rprocessing:   8%|          | 4/50 [00:04<16:15,  1.02frame/s, execution_providers=['cpu']]"
	for glued, want := range map[string][]string{
		bar + "[FACEFUSION.CORE] processing stopped\n":                          {"processing stopped"},
		bar + "   [FACEFUSION.CORE] processing stopped\n":                       {"processing stopped"},
		bar + "\x1b[1;31m2026-11-25 22:38:00.2 [E:onnxruntime:, a] b\n\x1b[m\n": {"2026-11-25 22:38:00.2 [E:onnxruntime:, a] b"},
		bar + "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'\n": {
			"processing: 4 of 50, ended after 4s", "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'"},
		"half a line[FACEFUSION.CORE] processing stopped\n": {"half a line", "processing stopped"},
	} {
		texts, _ := write(glued)
		require.Equal(t, want, texts, glued)
	}
	// The bar was taken before what is glued to it came.
	var texts []string
	s := NewStream(Settings{}, func(r Record) { texts = append(texts, r.Text) })
	s.Write(epoch, []byte(bar))
	require.Equal(t, int64(4), s.Open()[0].Frames)
	s.Write(epoch.Add(time.Minute), []byte("[FACEFUSION.CORE] processing "))
	s.Write(epoch.Add(time.Minute), []byte("stopped\n"))
	require.Equal(t, []string{"processing stopped"}, texts)
}

func TestBarThatATerminalCut(t *testing.T) {
	_, s := write("\rprocessing:   0%|          | 0/125 [00:00<?, ?frame/s]\rprocessing:  45%|====      | 56/125 [00:00<00:0\rprocessing:  46%|====      | 57/125 [00:00<00:00, 91.8")
	require.Equal(t, int64(57), s.Totals().Frames[PhaseProcessing.Index()])
}

func TestBarsOfATerminal(t *testing.T) {
	texts, _ := write("\rmerging:  50%|=====     | 1/2 [00:00<00:01,  1.00frame/s]\rmerging: 100%|==========| 2/2 [00:02<00:00,  1.00frame/s]\r\n[FACEFUSION.CORE] x\r\n")
	require.Equal(t, []string{"merging: 2 of 2, completed in 2s", "x"}, texts)
}

func TestRatesOfSlowAndOpenBars(t *testing.T) {
	s := NewStream(Settings{}, func(Record) {})
	for i := range 21 {
		s.Write(epoch.Add(time.Duration(i)*2*time.Second), fmt.Appendf(nil, "\rprocessing: %3d%%|          | %d/100 [00:%02d<03:00,  2.00s/frame, execution_providers=['cuda']]", i, i, i*2))
	}
	open := s.Open()[0]
	require.InDelta(t, 0.5, open.Rate, 0.01)
	require.InDelta(t, 160, open.Left.Seconds(), 2)
	require.InDelta(t, 0.2, open.Fraction(), 1e-9)
	require.Equal(t, epoch, open.Started)
	require.False(t, open.Ended)
}

// TestStreamingHasNoTotal is the webcam's bar.
func TestStreamingHasNoTotal(t *testing.T) {
	_, s := write("\rstreaming: 0frame [00:00, ?frame/s]\rstreaming: 12frame [00:01, 10.2frame/s]\rstreaming: 40frame [00:04, 10.2frame/s]\n")
	require.Equal(t, int64(40), s.Totals().Frames[PhaseStreaming.Index()])
	require.InDelta(t, 3.92, s.Totals().Time[PhaseStreaming.Index()].Seconds(), 0.1)
}

func TestDownloads(t *testing.T) {
	records, s := play([]byte("\rdownloading:   0%|          | 0.00/325M [00:00<?, ?B/s]\rdownloading: 100%|==========| 325M/325M [00:01<00:00, 39.0kB/s, download_providers=['github', 'huggingface'], file_name=gfpgan_1.4.onnx]\n"), 1000, 0)
	require.Len(t, records, 1)
	require.Equal(t, "gfpgan_1.4.onnx", records[0].Phase.File)
	require.Equal(t, int64(325<<20), records[0].Phase.Total)
	require.Equal(t, [len(Phases)]int64{}, s.Totals().Frames)
}

func TestDeclinedIsKnownByTheBar(t *testing.T) {
	const bar = "\ranalysing: 100%%|==========| 75/75 [00:00<00:00, 332.83frame/s, rate=%s]\n"
	for rate, want := range map[string]int64{"0": 0, "10": 0, "10.0": 0, "10.67": 1, "100": 1} {
		_, s := write(fmt.Sprintf(bar, rate))
		require.Equal(t, want, s.Totals().Causes[CauseDeclined.Index()], rate)
	}
	// broken off
	_, s := write("\ranalysing:  50%|=====     | 37/75 [00:00<00:00, 332.83frame/s, rate=100]\n")
	require.Zero(t, s.Totals().Causes[CauseDeclined.Index()])
}

func TestProgressIsRecordedNowAndThen(t *testing.T) {
	var at []time.Duration
	s := NewStream(Settings{ProgressEvery: 10 * time.Second}, func(r Record) {
		require.Equal(t, EventPhase, r.Event)
		at = append(at, r.Time.Sub(epoch))
	})
	for i := range 301 {
		s.Write(epoch.Add(time.Duration(i)*100*time.Millisecond), fmt.Appendf(nil, "\ranalysing:   1%%|          | %d/1000 [00:%02d<00:10, 10.0frame/s, rate=0]", i, i/10))
	}
	require.Equal(t, []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}, at)
}

func TestTracebacks(t *testing.T) {
	const first = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\n    ^^^\nValueError: one\n"
	for text, want := range map[string][]string{
		first + "[FACEFUSION.CORE] x\n": {strings.TrimSpace(first), "x"},
		first + "\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\", line 2, in h\nKeyError\n": {
			strings.TrimSpace(first) + "\nDuring handling of the above exception, another exception occurred:\nTraceback (most recent call last):\n  File \"b.py\", line 2, in h\nKeyError"},
		first + first:                     {strings.TrimSpace(first), strings.TrimSpace(first)},
		first + "  a second line\nnext\n": {strings.TrimSpace(first) + "\n  a second line", "next"},
		"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n[FACEFUSION.CORE] x\n": {"Traceback (most recent call last):\n  File \"a.py\", line 1, in f", "x"},
	} {
		texts, _ := write(text)
		require.Equal(t, want, texts)
	}
}

func TestCauseCountsOnceForEachStep(t *testing.T) {
	const oom = "2026-11-25 22:38:00.2 [E:onnxruntime:, a] BFCArena::AllocateRawInternal no memory\n"
	const trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nonnxruntime.capi.Fail: [ONNXRuntimeError] : 1 : FAIL\n"
	_, s := write("[FACEFUSION.CORE] processing step 1 of 2\n" + oom + oom + trace + "[FACEFUSION.CORE] processing step 2 of 2\n" + oom + "[FACEFUSION.TO_VIDEO] processing to video failed\n")
	for i, n := range s.Totals().Causes {
		want := int64(0)
		if Causes[i] == CauseGPUMemory {
			want = 2
		}
		require.Equal(t, want, n, Causes[i])
	}
}

// TestTwoWritersOfOneFile interleaves two recordings at their writes: all messages of both are
// there, and so are the frames, except those that cannot be distinguished where both work on as
// many frames at the same time.
func TestTwoWritersOfOneFile(t *testing.T) {
	all := recordings(t)
	for _, pair := range [][2]string{
		{"real/3.8.1-runA.stderr", "real/3.8.1-runB.stderr"},
		{"real/3.8.1-dupA.stderr", "real/3.8.1-dupB.stderr"},
		{"real/3.8.1-runA.stderr", "real/3.8.1-runA.stderr"},
		{"recorded/3.2.0-job-run.stderr.log", "recorded/3.8.1-job-run.stderr.log"},
	} {
		a, b := all[pair[0]], all[pair[1]]
		want := logtest.Read(a)
		other := logtest.Read(b)
		for seed := range uint64(20) {
			mixed := interleave(rand.New(rand.NewPCG(seed, 1)), a, b)
			records, s := play(mixed, 16<<10, 0)
			messages := 0
			for _, r := range records {
				if strings.HasPrefix(r.Module, "FACEFUSION") {
					messages++
				}
				require.NotContains(t, r.Text, "%|")
			}
			require.Equal(t, want.Messages+other.Messages, messages)
			for i, phase := range Phases {
				frames := want.Frames[string(phase)] + other.Frames[string(phase)]
				require.InDelta(t, frames, s.Totals().Frames[i], 0.05*float64(frames), "%s of %v, seed %d", phase, pair, seed)
			}
		}
	}
}

// interleave mixes two streams as two processes do that append to one file: each write is whole.
func interleave(random *rand.Rand, a, b []byte) []byte {
	pieces := [2][]logtest.Write{logtest.Writes(a), logtest.Writes(b)}
	var mixed []byte
	for len(pieces[0])+len(pieces[1]) > 0 {
		i := 0
		if random.IntN(len(pieces[0])+len(pieces[1])) >= len(pieces[0]) {
			i = 1
		}
		mixed = append(mixed, pieces[i][0].Data...)
		pieces[i] = pieces[i][1:]
	}
	return mixed
}

func TestRecordWithoutEnd(t *testing.T) {
	var records []Record
	s := NewStream(Settings{}, func(r Record) { records = append(records, r) })
	s.Write(epoch, []byte("[FACEFUSION.CORE] begins "))
	piece := bytes.Repeat([]byte("x"), 64<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1600 { // 100 MiB
		s.Write(epoch, piece)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	s.Write(epoch, []byte("\n[FACEFUSION.CORE] processing stopped\n"))
	require.Len(t, records, 2)
	require.Equal(t, 1600*(64<<10)+len("[FACEFUSION.CORE] begins ")-recordLimit, records[0].Dropped)
	require.Equal(t, EventStopped, records[1].Event)
	require.Equal(t, int64(records[0].Dropped), s.Totals().Dropped)
}

func TestBinaryGarbageIsOneRecord(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	garbage := make([]byte, 1<<20)
	for i := range garbage {
		garbage[i] = byte(random.UintN(256))
	}
	text := "[FACEFUSION.CORE] processing step 1 of 1\n" + string(garbage) + "\n[FACEFUSION.CORE] processing stopped\n"
	texts, s := write(text)
	require.Less(t, len(texts), 2000, "records of a MiB of garbage")
	require.Equal(t, "processing stopped", texts[len(texts)-1])
	require.Equal(t, "binary data", texts[1])
	require.Greater(t, s.Totals().Dropped, int64(len(garbage)*9/10))
}

// TestHoleOfATruncatedFile: a writer that does not append goes on at its old offset.
func TestHoleOfATruncatedFile(t *testing.T) {
	texts, _ := write("[FACEFUSION.CORE] job a created\n" + strings.Repeat("\x00", 100_000) + "[FACEFUSION.CORE] processing stopped\n")
	require.Equal(t, []string{"job a created", "processing stopped"}, texts)
}

func TestWhatStandsOpenIsTaken(t *testing.T) {
	var texts []string
	s := NewStream(Settings{}, func(r Record) { texts = append(texts, r.Text) })
	s.Write(epoch, []byte("[FACEFUSION.CORE] processing stopped"))
	require.Empty(t, texts)
	s.Idle()
	require.Equal(t, []string{"processing stopped"}, texts)
	s.Write(epoch, []byte("cut"))
	s.Cut()
	require.Equal(t, []string{"processing stopped", "cut"}, texts)
	// Docker cuts a bar where 16 KiB are full, and hands over the rest when the next are.
	for _, part := range []string{"\ranaly", "sing:  31%|==", "=       | 39/125 [00:00<00:00, 3", "82.70frame/s, rate=0]"} {
		s.Write(epoch, []byte(part))
		s.Idle()
	}
	require.Equal(t, int64(39), s.Open()[0].Frames)
	require.Len(t, texts, 2)
}

// FuzzStream: whatever comes, in whatever pieces, nothing breaks and the records are the same.
func FuzzStream(f *testing.F) {
	for _, data := range recordings(f) {
		f.Add(data[:min(len(data), 3000)], uint8(5))
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		whole, a := play(data, len(data)+1, 0)
		parts, b := play(data, int(size)+1, 0)
		require.Equal(t, a.Totals().Frames, b.Totals().Frames)
		require.LessOrEqual(t, len(whole), len(data)+2)
		for i := range min(len(whole), len(parts)) {
			require.NotContains(t, whole[i].Text, "\x1b")
		}
	})
}

// BenchmarkProgress is one record of a bar, as the budget counts them.
func BenchmarkProgress(b *testing.B) {
	var data []byte
	const frames = 10_000
	for i := range frames {
		data = fmt.Appendf(data, "\ranalysing: %3d%%|===       | %d/%d [00:%02d<00:00, 9983.70frame/s, rate=0]", i*100/frames, i, frames, i*60/frames)
	}
	s := NewStream(Settings{ProgressEvery: 10 * time.Second}, func(Record) {})
	b.ReportAllocs()
	b.SetBytes(int64(len(data) / frames))
	for i := 0; b.Loop(); i++ {
		at := i % frames * (len(data) / frames)
		s.Write(epoch.Add(time.Duration(i)*100*time.Microsecond), data[at:min(at+len(data)/frames, len(data))])
	}
}

// TestQuietSteps: of a step that began nothing more was said, but by others and at level debug.
func TestQuietSteps(t *testing.T) {
	for text, want := range map[string]int{
		"[FACEFUSION.CORE] processing step 1 of 1\n":                                                                                                                     1,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.CORE] processing step 1 of 1\n":                                                                           2,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.CORE] copying image with a resolution of 64x64\n":                                                         0,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.FACE_SWAPPER] no source face detected!\n":                                                                 0,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.INFERENCE_MANAGER] loading model x succeeded in 1.0 seconds\n":                                            1,
		"[FACEFUSION.CORE] processing step 1 of 1\nsome warning of another library\n":                                                                                    1,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.CORE] processing of job a failed\n":                                                                       1,
		"[FACEFUSION.CORE] processing step 1 of 1\n\ranalysing:   0%|          | 0/5 [00:00<?, ?frame/s]\ranalysing: 100%|==========| 5/5 [00:02<00:00,  2.50frame/s]\n": 0,
		"[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.CORE] processing of job a failed\n[FACEFUSION.CORE] job b created\n":                                      1,
		"[FACEFUSION.CORE] job b created\n": 0,
	} {
		s := NewStream(Settings{}, func(Record) {})
		s.Write(epoch, []byte(text))
		s.Cut()
		require.Len(t, s.Quiet(), want, text)
	}
	s := NewStream(Settings{}, func(Record) {})
	s.Write(epoch, []byte("[FACEFUSION.CORE] processing step 1 of 1\n"))
	s.Write(epoch.Add(time.Second), []byte("[FACEFUSION.CORE] processing step 1 of 1\n"))
	require.Equal(t, []QuietStep{{Begun: epoch, Ended: epoch.Add(time.Second)}, {Begun: epoch.Add(time.Second)}}, s.Quiet())
	s.Write(epoch.Add(time.Hour), []byte("[FACEFUSION.CORE] processing step 1 of 1\n"))
	require.Len(t, s.Quiet(), 1, "the others are over for long")
}

// TestQuietStepsAreBounded: whoever writes to a log may have any number of steps begin within a
// second.
func TestQuietStepsAreBounded(t *testing.T) {
	s := NewStream(Settings{}, func(Record) {})
	s.Write(epoch, bytes.Repeat([]byte("[FACEFUSION.CORE] processing step 1 of 1\n"), 10_000))
	s.Write(epoch.Add(time.Second), []byte("[FACEFUSION.CORE] processing step 1 of 1\n"))
	quiet := s.Quiet()
	require.Len(t, quiet, maxQuiet)
	require.Equal(t, QuietStep{Begun: epoch.Add(time.Second)}, quiet[maxQuiet-1], "the last is kept")
}
