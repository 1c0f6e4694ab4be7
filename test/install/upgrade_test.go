//go:build upgrade

package install

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

const (
	upgradePackages = "../../dist/upgrade"
	storePath       = "/var/tmp/store.json"
	// The store takes events at the address that all-signals.yaml has by default.
	storeConfig = `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:14318"}}}}
exporters: {file: {path: ` + storePath + `, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [file]}
    traces: {receivers: [otlp], exporters: [file]}
`
)

// TestUpgradeBetweenCommits installs the package of an earlier commit, upgrades to that of this one
// while jobs run, and goes back. The configuration that was changed by hand stays, an instance
// keeps its id, no counter begins anew, and each job is counted and reported once, also those that
// end while no agent runs.
func TestUpgradeBetweenCommits(t *testing.T) {
	m := boot(t, upgradePackages)
	m.run(t, installOld)
	m.run(t, "install --mode=755 /programs/otelcol-facefusion /usr/local/bin/store")
	m.write(t, "/etc/store.yaml", storeConfig)
	m.run(t, "systemd-run --quiet --unit=store /usr/local/bin/store --config=/etc/store.yaml")
	startFaceFusion(t, m, idle) // the jobs are this test's
	m.write(t, agentConfig, m.read(t, agentConfig)+"# changed by hand\n")
	m.write(t, optionsFile, "OTELCOL_OPTIONS=\"--config=/etc/otelcol-facefusion/agent.yaml --config=/etc/otelcol-facefusion/all-signals.yaml\"\n")
	m.run(t, restart)
	id := instanceID(t, m.waitPage(t, patience, `facefusion_process_up{`, `facefusion_job_count{`))

	w := workOn(t, filepath.Join(m.root, "home/ai/facefusion/facefusion-0/.jobs"))
	change := func(name, command string) {
		w.more(t, 3)
		m.waitFinished(t, id, w.ended)
		m.run(t, "systemctl stop otelcol-facefusion")
		w.more(t, 3) // these end while no agent runs
		m.run(t, "systemctl start otelcol-facefusion")
		m.waitFinished(t, id, w.ended)

		pid, began := m.property(t, "MainPID"), w.ended()
		output := m.run(t, command)
		t.Logf("%s: %d jobs ended while it took place", name, w.ended()-began)
		assert.NotContains(t, output, "does not accept the configuration")
		m.waitPage(t, patience, `facefusion_process_up{`)
		assert.NotEqual(t, pid, m.property(t, "MainPID"), "what ran before runs on")
		assert.Contains(t, m.read(t, agentConfig), "# changed by hand")
		assert.Contains(t, m.read(t, optionsFile), "all-signals.yaml")
		w.more(t, 3)
		assert.Equal(t, id, instanceID(t, m.waitFinished(t, id, w.ended)))
	}
	old := m.run(t, "otelcol-facefusion --version")
	change("upgrade", installNew)
	assert.NotEqual(t, old, m.run(t, "otelcol-facefusion --version"))
	change("downgrade", installOld)
	assert.Equal(t, old, m.run(t, "otelcol-facefusion --version"))

	total := w.stop(t)
	m.waitFinished(t, id, func() int { return total })
	m.waitStore(t, total)
}

// steadyWork runs one job after the other, as FaceFusion writes them.
type steadyWork struct {
	folder        *jobs.Manager
	count         atomic.Int64
	stopping      chan struct{}
	stopped       chan error
	alreadyWaited bool
}

func workOn(t *testing.T, folder string) *steadyWork {
	t.Helper()
	manager, err := jobs.Open(folder)
	require.NoError(t, err)
	w := &steadyWork{folder: manager, stopping: make(chan struct{}), stopped: make(chan error, 1)}
	go func() { w.stopped <- w.run() }()
	t.Cleanup(func() {
		if !w.alreadyWaited {
			w.stop(t)
		}
	})
	return w
}

// run ends between two jobs: none is left that could be taken for an orphan.
func (w *steadyWork) run() error {
	for n := 1; ; n++ {
		id := fmt.Sprintf("upgrade-%d", n)
		for _, step := range []func() error{
			func() error {
				return w.folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}})
			},
			func() error { return w.folder.Submit(id) },
			func() error { return w.folder.Start(id, 0) },
			func() error { return w.folder.CompleteStep(id, 0) },
			func() error { return w.folder.Complete(id) },
		} {
			if err := step(); err != nil {
				return err
			}
			time.Sleep(50 * time.Millisecond)
		}
		w.count.Add(1)
		select {
		case <-w.stopping:
			return nil
		default:
		}
	}
}

func (w *steadyWork) ended() int { return int(w.count.Load()) }

// more waits for further jobs to end.
func (w *steadyWork) more(t *testing.T, n int) {
	t.Helper()
	until := w.ended() + n
	require.Eventually(t, func() bool { return w.ended() >= until }, patience, 50*time.Millisecond)
}

func (w *steadyWork) stop(t *testing.T) int {
	t.Helper()
	w.alreadyWaited = true
	close(w.stopping)
	require.NoError(t, <-w.stopped)
	return w.ended()
}

var (
	instance = regexp.MustCompile(`(?m)^facefusion_process_up\{.*service_instance_id="([^"]+)"`)
	finished = regexp.MustCompile(`(?m)^facefusion_job_finished_total\{.*facefusion_outcome="completed".*\} (\d+)`)
)

func instanceID(t *testing.T, page string) string {
	t.Helper()
	found := instance.FindStringSubmatch(page)
	require.NotNil(t, found)
	return found[1]
}

// waitFinished waits until the page counts as many completed runs as have ended when it is called,
// or more: they go on. It never counts more than have ended.
func (m *bootedMachine) waitFinished(t *testing.T, id string, ended func() int) string {
	t.Helper()
	var page string
	want, last := ended(), 0
	counted := assert.Eventually(t, func() bool {
		page = m.get("http://127.0.0.1:9464/metrics")
		found := finished.FindStringSubmatch(page)
		if found == nil || !strings.Contains(page, id) {
			return false
		}
		count, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		// The page may know of an end before the test does.
		require.LessOrEqual(t, count, ended()+1, "runs are counted twice")
		require.GreaterOrEqual(t, count, last, "a counter went back")
		last = count
		return count >= want
	}, patience, 100*time.Millisecond)
	require.True(t, counted, "%d runs ended, %d are counted", want, last)
	return page
}

// waitStore waits until each job's end has arrived, and fails if one has arrived twice.
func (m *bootedMachine) waitStore(t *testing.T, total int) {
	t.Helper()
	var ends map[string]map[string]bool
	require.Eventually(t, func() bool {
		ends = m.stored(t)
		return len(ends) == total
	}, patience, time.Second, "%d jobs ended", total)
	for job, uids := range ends {
		require.Len(t, uids, 1, "the end of %s was reported as different events", job)
	}
}

// stored are the events of completed jobs in the store, by their uids: what was under way when an
// agent ended may come again, under the same one.
func (m *bootedMachine) stored(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, storePath))
	require.NoError(t, err)
	ends := map[string]map[string]bool{}
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) || !bytes.Contains(line, []byte(`"resourceLogs"`)) {
			continue // it is being written, or no event
		}
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		require.NoError(t, err)
		for _, rl := range logs.ResourceLogs().All() {
			for _, scope := range rl.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					to, _ := record.Attributes().Get("facefusion.job.transition.to")
					job, _ := record.Attributes().Get("facefusion.job.id")
					uid, _ := record.Attributes().Get("log.record.uid")
					if to.Str() != "completed" {
						continue
					}
					if ends[job.Str()] == nil {
						ends[job.Str()] = map[string]bool{}
					}
					ends[job.Str()][uid.Str()] = true
				}
			}
		}
	}
	return ends
}
