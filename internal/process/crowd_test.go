package process_test

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// busyHost has 5,000 processes, 500 of them Python, none of them FaceFusion, on a host that has a
// checkout in its root folder.
func busyHost(t testing.TB) *harness {
	w := newHarness(t, process.Settings{})
	w.checkout("/facefusion", "3.8.1")
	for n := range 4999 {
		line, cwd := fmt.Sprintf("/usr/bin/program%d --flag", n), "/"
		if n%10 == 0 {
			line = fmt.Sprintf("python3 /srv/app%d/main.py --serve", n)
			cwd = []string{"/", "/opt", "/home/jo"}[n/10%3]
		}
		w.put(proctest.ProcEntry{PID: 1000 + n, PPID: 1, Argv: words(line), Cwd: cwd, StartTicks: 1000})
	}
	require.NoError(t, os.MkdirAll(w.host.Path("/home/jo"), 0o755))
	return w
}

// BenchmarkRules holds the budget: two minutes of passes over a busy host take at most 1.3 times of
// what they take without the rules of folders, in the same run. The first pass, in which each rule
// is asked about each process once, is not among them.
func BenchmarkRules(b *testing.B) {
	with := busyHost(b)
	without := &harness{t: b, host: with.host}
	without.restartCollector(process.Settings{})
	process.WithoutFolderRules(without.table)
	hosts := []*harness{with, without}
	for _, w := range hosts {
		require.Empty(b, w.pass().Instances)
	}
	for b.Loop() {
		var costs [2]time.Duration
		for range 120 {
			for n, w := range hosts {
				process.Age(w.table, time.Second)
				before := cpuTime(b)
				require.Empty(b, w.pass().Instances)
				costs[n] += cpuTime(b) - before
			}
		}
		ratio := float64(costs[0]) / float64(costs[1])
		b.ReportMetric(ratio, "ratio")
		require.Less(b, ratio, 1.3)
	}
}

// cpuTime is what this process has used, whatever else runs on the machine.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var ts unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts))
	return time.Duration(ts.Nano())
}

// TestAStrangersCrowd: whoever starts thousands of processes waits for them to be looked at, and
// nobody else does.
func TestAStrangersCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/app", "3.8.1")
		w.checkout("/other", "3.8.1")
		for n := range 1200 {
			p := pythonIn(1000+n, "/home/eve", fmt.Sprintf("python3 /srv/app%d/main.py", n))
			p.UID = 1000
			w.put(p)
		}
		late := pythonIn(9000, "/app", "python3 serve.py")
		late.UID = 1000
		w.put(late)
		other := pythonIn(9001, "/other", "python3 serve.py")
		other.UID = 1001
		w.put(other)
		found := func() (pids []int) {
			for _, i := range w.pass().Instances {
				for _, p := range i.Processes {
					pids = append(pids, p.PID)
				}
			}
			return pids
		}
		assert.Equal(t, []int{9001}, found(), "another user's is found at once")
		for range 3 {
			time.Sleep(time.Second)
			w.pass()
		}
		assert.ElementsMatch(t, []int{9000, 9001}, found(), "his own is found in time")
	})
}

// TestDescendantsAreBounded: those of one user do not take the place of another's.
func TestDescendantsAreBounded(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/app", "3.8.1")
	w.checkout("/other", "3.8.1")
	eve, victim := server(100, "/app"), server(101, "/other")
	eve.UID, victim.UID = 1000, 1001
	w.put(eve)
	w.put(victim)
	for n := range 1100 {
		p := ffmpeg(1000+n, 100)
		p.UID = 1000
		w.put(p)
	}
	own := ffmpeg(9000, 101)
	own.UID = 1001
	w.put(own)
	counts := map[string]int{}
	for _, i := range w.pass().Instances {
		counts[i.Checkout] = len(i.Processes)
	}
	assert.Equal(t, map[string]int{"/app": 1025, "/other": 2}, counts)
	for n := range 1100 {
		w.remove(1000 + n)
	}
	w.pass()
	again := ffmpeg(500, 100)
	again.UID = 1000
	w.put(again)
	for _, i := range w.pass().Instances {
		assert.Len(t, i.Processes, 2)
	}
}
