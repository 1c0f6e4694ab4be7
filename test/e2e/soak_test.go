//go:build e2e && ledger && durability && soak

package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container/containertest"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
)

// soak is a host on which faults are injected at random, one after the other.
type soak struct {
	*ledgerOfRuns
	c       *collector
	store   *otlpStore
	random  *rand.Rand
	state   string // a small file system of its own
	pprof   string
	witness uint16 // the port of a server that nothing happens to
	victim  *host.Proc
	boxed   *host.Proc // a server in a container
	unit    string     // what the container belongs to
	box     string     // the container's id
	boxes   int        // how many containers there were
	group   containertest.ControlGroup
	gpus    map[string]string // what the driver is made to say
	xids    []string
	count   map[string]int // of the faults
	began   usageOfAgent
}

// usageOfAgent is what must not grow.
type usageOfAgent struct{ resident, descriptors, goroutines, state int }

// TestSoak injects faults for SOAK (30 minutes by default) while runs begin and end in all ways.
// After each fault it requires that the others were observed on time and that nothing grows; at
// the end, that page, traces and events say of each run what happened to it, once.
func TestSoak(t *testing.T) {
	length := 30 * time.Minute
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("SOAK=%v SOAK_SEED=%d", length, seed)
	s := newSoak(t, seed)
	ui := newWebUI(t, s.h, 2)
	s.eventually("two tabs are open", func(p page) bool { return total(p, "facefusion_server_viewers") == 2 })
	s.startVictim()
	s.startBoxed()
	s.settled()
	s.began = s.usage()

	s.until = time.Now().Add(length)
	var workers sync.WaitGroup
	for worker := range 3 {
		workers.Go(func() { s.headless(worker, 1<<30) })
	}
	workers.Go(func() { s.ofWebUI(ui, 1<<30) })
	workers.Go(func() { s.ofQueue(1 << 30) })
	faults := s.faults()
	wanted := regexp.MustCompile(os.Getenv("SOAK_FAULTS"))
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(faults)), func(name string) bool { return !wanted.MatchString(name) })
	for !s.over() {
		name := names[s.random.IntN(len(names))]
		t.Logf("%v left: %s", time.Until(s.until).Round(time.Second), name)
		faults[name]()
		s.count[name]++
		s.settled()
		s.flat()
	}
	workers.Wait()
	t.Logf("injected: %v", s.count)
	t.Logf("at the start %+v, at the end %+v", s.began, s.usage())
	s.compare()
}

func newSoak(t *testing.T, seed uint64) *soak {
	kept := t.TempDir()
	state := filepath.Join(kept, "state")
	require.NoError(t, os.Mkdir(state, 0o700))
	require.NoError(t, unix.Mount("state", state, "tmpfs", 0, "size=48m,mode=0700"), "this needs root and a mount namespace of its own")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(state, unix.MNT_DETACH)) })
	h := simulate(t, 4)
	h.Jobs(0).Truncation = 30 * time.Millisecond
	s := &soak{
		ledgerOfRuns: &ledgerOfRuns{t: t, h: h, folder: h.Jobs(0), outcomes: map[string][]string{}, reasons: map[string]int{}},
		store:        newStore(t), random: rand.New(rand.NewPCG(seed, 2)), state: state, pprof: fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0]),
		gpus: map[string]string{}, count: map[string]int{},
	}
	server, err := h.StartServer(1, nil)
	require.NoError(t, err)
	s.c = startWith(t, byKind, fakeDriver(t, ""), fmt.Sprintf(`
extensions:
  file_storage: {directory: %[1]s}
  pprof: {endpoint: %[3]q}
receivers: {facefusion: {storage: file_storage}}
exporters:
  file/traces: {path: %[2]s/traces.json, append: true, flush_interval: 50ms}
  file/logs: {path: %[2]s/logs.json, append: true, flush_interval: 50ms}
  otlp_http: {endpoint: %[4]q, retry_on_failure: {max_interval: 2s, max_elapsed_time: 0}, sending_queue: {storage: file_storage, num_consumers: 1}}
service:
  extensions: [health_check, file_storage, pprof]
  pipelines:
    traces: {receivers: [facefusion], exporters: [otlp_http, file/traces]}
    logs: {receivers: [facefusion], exporters: [otlp_http, file/logs]}
`, state, kept, s.pprof, s.store.url()))
	s.eventually("the witness has its port", func(page) bool { s.witness = server.Port(); return s.witness != 0 })
	return s
}

func (s *soak) eventually(what string, wanted func(page) bool) {
	s.t.Helper()
	s.c.eventually(s.t, time.Minute, what, wanted)
}

func (s *soak) startVictim() {
	var err error
	s.victim, err = s.h.StartServer(2, nil)
	require.NoError(s.t, err)
}

// gpu makes the driver say something else of the second GPU; the first one has nothing.
func (s *soak) gpu(key, value string) {
	if s.gpus[key] = value; value == "" {
		delete(s.gpus, key)
	}
	var lines []string
	for key, value := range s.gpus {
		lines = append(lines, key+" "+value)
	}
	require.NoError(s.t, control(append(lines, "xids "+strings.Join(s.xids, " "))...))
}

func (s *soak) hold(least, most time.Duration) { time.Sleep(between(s.random, least, most)) }

// faults are by name. Each ends with what it did being over.
func (s *soak) faults() map[string]func() {
	signal := func(sig syscall.Signal) { require.NoError(s.t, s.victim.Kill(sig)) }
	return map[string]func(){
		"a server is killed": func() {
			signal(syscall.SIGKILL)
			s.hold(0, 5*time.Second)
			s.startVictim()
		},
		"a server is stopped for a while": func() {
			signal(syscall.SIGSTOP)
			s.hold(2*time.Second, 12*time.Second)
			signal(syscall.SIGCONT)
		},
		"a GPU is lost": func() {
			s.gpu("gpu.1.lost", "1")
			s.eventually("its loss is shown", func(p page) bool { return p.is(1, "hw_status", "hw_id", secondGPU, "hw_state", "failed") })
			s.gpu("gpu.1.lost", "")
		},
		"a call into the driver hangs": func() {
			s.gpu("gpu.1.block", "1")
			s.hold(3*time.Second, 10*time.Second)
			s.gpu("gpu.1.block", "")
		},
		"XIDs": func() {
			before := total(s.c.page(s.t), "hw_errors_total", "error_type", "xid_79")
			n := 1 + s.random.IntN(5)
			for range n {
				s.xids = append(s.xids, fmt.Sprintf("%d:1:79", len(s.xids)+1))
			}
			s.gpu("xids.never", "")
			s.eventually("each is counted", func(p page) bool { return total(p, "hw_errors_total", "error_type", "xid_79") == before+float64(n) })
		},
		"SIGHUP": func() {
			s.pause.Lock()
			defer s.pause.Unlock()
			ready := s.c.log.count("Everything is ready")
			require.NoError(s.t, s.c.cmd.Process.Signal(syscall.SIGHUP))
			require.Eventually(s.t, func() bool { return s.c.log.count("Everything is ready") > ready }, time.Minute, 20*time.Millisecond)
		},
		"the store is away": func() {
			s.store.away(s.t)
			s.hold(2*time.Second, 15*time.Second)
			s.store.back(s.t)
			// the queue is in memory: a reload would end what is tried again
			time.Sleep(5 * time.Second)
		},
		"the disk is full": func() {
			full := filepath.Join(s.state, "full")
			f, err := os.Create(full)
			require.NoError(s.t, err)
			for err == nil {
				_, err = f.Write(make([]byte, 64<<10))
			}
			require.ErrorIs(s.t, err, unix.ENOSPC)
			require.NoError(s.t, f.Close())
			s.hold(2*time.Second, 8*time.Second)
			require.NoError(s.t, os.Remove(full))
			time.Sleep(3 * time.Second) // what was kept back is written
		},
		"the jobs folder is away": func() {
			s.pause.Lock()
			defer s.pause.Unlock()
			folder := s.folder.Path()
			require.NoError(s.t, os.Rename(folder, folder+".away"))
			s.hold(time.Second, 10*time.Second)
			require.NoError(s.t, os.Rename(folder+".away", folder))
			time.Sleep(3 * time.Second)
		},
		"the jobs folder is mounted anew": func() {
			s.pause.Lock()
			defer s.pause.Unlock()
			folder := s.folder.Path()
			require.NoError(s.t, unix.Mount(folder, folder, "", unix.MS_BIND, ""))
			s.hold(time.Second, 5*time.Second)
			require.NoError(s.t, unix.Unmount(folder, unix.MNT_DETACH))
		},
		"a share hangs":               s.shareHangs,
		"a container is created anew": s.containerIsCreatedAnew,
	}
}

// settled waits until everything is observed as it is.
func (s *soak) settled() {
	s.t.Helper()
	s.eventually("all is as it was", func(p page) bool {
		return state(p, s.witness, "ready") && state(p, s.victim.Port(), "ready") && state(p, s.boxed.Port(), "ready") &&
			p.is(1, "hw_status", "hw_id", firstGPU, "hw_state", "ok") && p.is(1, "hw_status", "hw_id", secondGPU, "hw_state", "ok")
	})
	begin := time.Now()
	s.c.page(s.t)
	require.Less(s.t, time.Since(begin), 3*time.Second, "the page is made at once")
}

// flat requires that nothing has grown, beyond what a heap and a queue of events do.
func (s *soak) flat() {
	s.t.Helper()
	var now usageOfAgent
	// What a fault has left ends within seconds.
	flat := func() bool {
		now = s.usage()
		return now.resident < s.began.resident+48<<20 && now.descriptors < s.began.descriptors+40 && now.goroutines < s.began.goroutines+60 && now.state < 24<<20
	}
	for end := time.Now().Add(time.Minute); !flat() && time.Now().Before(end); {
		time.Sleep(500 * time.Millisecond)
	}
	require.True(s.t, flat(), "at the start %+v, now %+v", s.began, now)
}

func (s *soak) usage() (u usageOfAgent) {
	u.descriptors, u.resident = s.c.descriptors(s.t), s.c.resident(s.t)
	answer, err := http.Get("http://" + s.pprof + "/debug/pprof/goroutine?debug=1")
	require.NoError(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	_, err = fmt.Sscanf(string(text), "goroutine profile: total %d", &u.goroutines)
	require.NoError(s.t, err)
	err = filepath.WalkDir(s.state, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, e := entry.Info(); e == nil {
				u.state += int(info.Size())
			}
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // a segment that was replaced
		}
		return err
	})
	require.NoError(s.t, err)
	return u
}

// compare requires that page, traces, events and store say what the simulator did.
func (s *soak) compare() {
	finished := s.compareCounts(s.c, 2*time.Minute, 20*time.Second)
	kept := filepath.Dir(s.state)
	s.c.stop(s.t)
	s.compareTraces(filepath.Join(kept, "traces.json"), filepath.Join(kept, "logs.json"))
	// Changes of state come too often for an event each; the loss of a run does not.
	assert.InDelta(s.t, finished["orphaned"], len(eventsNamed(s.t, filepath.Join(kept, "logs.json"), "facefusion.job.orphaned")), 0)
	// The queue is on disk, as in the configurations that are shipped: one in memory loses what
	// waits when the collector is reloaded just after an outage of the store.
	for _, span := range read(s.t, filepath.Join(kept, "traces.json")) {
		assert.True(s.t, s.store.ledger.spans[span.TraceID().String()+span.SpanID().String()],
			"%s of %v, which ended at %v, never came to the store", span.Name(), span.Attributes().AsRaw(), span.EndTimestamp().AsTime())
	}
}
