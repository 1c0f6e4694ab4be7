package jobqueue

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// history makes a jobs folder with n finished jobs, which lay there before anybody looked.
func history(b testing.TB, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), ".jobs")
	for _, name := range jobsdir.Names {
		require.NoError(b, os.MkdirAll(filepath.Join(path, name), 0o755))
	}
	for i := range n {
		name := filepath.Join(path, jobsdir.Names[jobsdir.Completed+i%2], fmt.Sprintf("headless-2026-11-22-16-%06d.json", i))
		require.NoError(b, os.WriteFile(name, nil, 0o644))
	}
	time.Sleep(2 * jobsdir.ClockStep) // or the last ones were no history
	return path
}

func scanned(b testing.TB, w *Watcher, path string) *Snapshot {
	b.Helper()
	for {
		s, err := w.Observe(b.Context(), []Folder{{Instance: "a", Path: path}}, nil)
		require.NoError(b, err)
		if !s.Queues[0].Scanning {
			return s
		}
	}
}

// observedFolder is a folder whose ticks are a second apart, however fast they follow.
type observedFolder struct {
	path    string
	watcher *Watcher
	now     time.Time
	// kept is nil where nothing is; written counts the bytes.
	kept    recordStore
	written int
}

func (o *observedFolder) tick(b testing.TB, d time.Duration) {
	o.now = o.now.Add(d)
	_, err := o.watcher.observeAt(b.Context(), []Folder{{Instance: "a", Path: o.path}}, nil, o.now)
	require.NoError(b, err)
	if o.kept != nil {
		for _, r := range o.kept.keep(o.watcher) {
			o.written += len(r.Value)
		}
	}
}

// idle returns the CPU time of n ticks in which nothing happens.
func (o *observedFolder) idle(b testing.TB, n int) time.Duration {
	begin := cpu(b)
	for range n {
		o.tick(b, time.Second)
	}
	return cpu(b) - begin
}

// busy returns the CPU time of n ticks in each of which a job goes through the queue. Writing it is
// in there: it costs the same for both.
func (o *observedFolder) busy(b testing.TB, n int) time.Duration {
	begin := cpu(b)
	for i := range n {
		id := fmt.Sprintf("cycle-%d-%d.json", begin, i)
		queued := filepath.Join(o.path, "queued", id)
		for _, status := range []string{"queued", "started", "completed"} {
			require.NoError(b, os.WriteFile(queued, jobText(b, o.now, o.now, status), 0o644))
			o.tick(b, time.Second/3)
		}
		require.NoError(b, os.Rename(queued, filepath.Join(o.path, "completed", id)))
		time.Sleep(100 * time.Microsecond) // lets the hint arrive
	}
	return cpu(b) - begin
}

func cpu(b testing.TB) time.Duration {
	var usage unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHistory compares 100 finished jobs with 100,000: the ratio of a cycle (budget: 1.1),
// idle and with a job in it, the bytes that each finished job takes (100), and the time of the
// first scan (5 s).
func BenchmarkHistory(b *testing.B) {
	const many, few = 100_000, 100
	short := &observedFolder{path: history(b, few), watcher: NewWatcher(Settings{})}
	long := &observedFolder{path: history(b, many), watcher: NewWatcher(Settings{})}
	defer short.watcher.Close()
	defer long.watcher.Close()
	scanned(b, short.watcher, short.path)
	before := heap()
	begin := time.Now()
	s := scanned(b, long.watcher, long.path)
	scan := time.Since(begin)
	require.Equal(b, many, s.Queues[0].Count(StateCompleted)+s.Queues[0].Count(StateFailed))
	bytes := heap() - before
	short.now, long.now = time.Now(), time.Now()
	var idleShort, idleLong, busyShort, busyLong time.Duration
	// in turns, so that a disturbance meets both; for as long as the rarest thing that is done
	// takes to come round
	for b.Loop() {
		for range 20 {
			idleShort += short.idle(b, 1000)
			idleLong += long.idle(b, 1000)
			busyShort += short.busy(b, 100)
			busyLong += long.busy(b, 100)
		}
	}
	b.ReportMetric(float64(idleShort.Microseconds())/float64(20000*b.N), "idle-µs")
	b.ReportMetric(float64(idleLong)/float64(idleShort), "idle-ratio")
	b.ReportMetric(float64(busyShort.Microseconds())/float64(2000*b.N), "busy-µs")
	b.ReportMetric(float64(busyLong)/float64(busyShort), "busy-ratio")
	b.ReportMetric(float64(bytes)/many, "B/job")
	b.ReportMetric(scan.Seconds(), "first-scan-s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory compares a folder of 10,000 finished jobs of which nothing is kept with one that
// is remembered: the ratio of a cycle, idle and with a job in it, and the bytes that are written
// for each job that goes through the queue.
func BenchmarkMemory(b *testing.B) {
	const jobs = 10_000
	kept := recordStore{}
	plain := &observedFolder{path: history(b, jobs), watcher: NewWatcher(Settings{}), now: time.Now()}
	remembered := &observedFolder{path: history(b, jobs), watcher: NewWatcher(Settings{Load: kept.load}), now: time.Now(), kept: kept}
	defer plain.watcher.Close()
	defer remembered.watcher.Close()
	scanned(b, plain.watcher, plain.path)
	scanned(b, remembered.watcher, remembered.path)
	var idlePlain, idleRemembered, busyPlain, busyRemembered time.Duration
	written := 0
	for b.Loop() {
		for range 10 {
			idlePlain += plain.idle(b, 1000)
			idleRemembered += remembered.idle(b, 1000)
			before := remembered.written
			busyPlain += plain.busy(b, 100)
			busyRemembered += remembered.busy(b, 100)
			written += remembered.written - before
		}
	}
	b.ReportMetric(float64(idleRemembered)/float64(idlePlain), "idle-ratio")
	b.ReportMetric(float64(busyRemembered)/float64(busyPlain), "busy-ratio")
	b.ReportMetric(float64(written)/float64(1000*b.N), "B/run")
	b.ReportMetric(float64(kept.size())/1e6, "MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkScan is what a folder costs that nobody has seen before, with every job still to be
// opened.
func BenchmarkScan(b *testing.B) {
	path := filepath.Join(b.TempDir(), ".jobs")
	for _, name := range jobsdir.Names {
		require.NoError(b, os.MkdirAll(filepath.Join(path, name), 0o755))
	}
	text, err := os.ReadFile("../../testdata/jobs/3.8.1/queued/nightly-001.json")
	require.NoError(b, err)
	const n = 1000
	for i := range n {
		require.NoError(b, os.WriteFile(filepath.Join(path, "queued", fmt.Sprint(i, ".json")), text, 0o644))
	}
	for b.Loop() {
		w := NewWatcher(Settings{})
		scanned(b, w, path)
		w.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/job")
}

func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("../../testdata/jobs/3.8.1/queued/nightly-001.json")
	require.NoError(b, err)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := jobfile.Parse(bytes.NewReader(text), jobfile.KeepNeeded); err != nil {
			b.Fatal(err)
		}
	}
}
