//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream/logtest"
)

// logs is a collector that reads FaceFusion's log with config/logs.yaml.
type logs struct {
	*collector
	// dir holds the logs that it reads, records is where it writes them to.
	dir, records string
}

// startLogs reads from dir/*.log, or as the overrides say.
func startLogs(t *testing.T, overrides string) *logs {
	t.Helper()
	dir := t.TempDir()
	return startLogsOf(t, dir+"/*.log", dir, overrides)
}

// startLogsOf reads files that match a pattern.
func startLogsOf(t *testing.T, pattern, dir string, overrides ...string) *logs {
	t.Helper()
	state := filepath.Join(dir, "state")
	config, err := os.ReadFile("../../config/logs.yaml")
	require.NoError(t, err)
	text := strings.NewReplacer(
		"${env:FACEFUSION_LOG:-/var/log/facefusion/*.log}", pattern,
		"${env:FACEFUSION_CONTAINERS:-/var/lib/docker/containers/*/*-json.log}", dir+"/*-json.log",
		"${env:STATE_DIRECTORY:-/var/lib/otelcol-facefusion}", state,
		"max_backups: 3}", "max_backups: 3}\n    flush_interval: 100ms",
		// What was written before the first look is read as well.
		"    include_file_path: true", "    include_file_path: true\n    start_at: beginning",
	).Replace(string(config))
	l := &logs{dir: dir, records: filepath.Join(state, "facefusion-log.jsonl")}
	l.collector = startWith(t, append([]string{text}, overrides...)...)
	return l
}

// of returns the records of one file so far, in order.
func (l *logs) of(t *testing.T, file string) (list []plog.LogRecord) {
	t.Helper()
	for _, r := range l.read(t) {
		if name, _ := r.Attributes().Get("log.file.name"); name.Str() == file {
			list = append(list, r)
		}
	}
	return list
}

// read returns the records so far, in order.
func (l *logs) read(t *testing.T) (list []plog.LogRecord) {
	t.Helper()
	return readRecords(t, l.records)
}

// readRecords returns those in a file of the file exporter, in order.
func readRecords(t *testing.T, path string) (list []plog.LogRecord) {
	t.Helper()
	return readRecordsOf(t, path, "", "")
}

// readRecordsOf returns those whose resource has an attribute; all of them without one.
func readRecordsOf(t *testing.T, path, key, value string) (list []plog.LogRecord) {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		batch, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		require.NoError(t, err)
		for _, rl := range batch.ResourceLogs().All() {
			if found, _ := rl.Resource().Attributes().Get(key); key != "" && found.AsString() != value {
				continue
			}
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					list = append(list, r)
				}
			}
		}
	}
}

// eventsNamed are the records that are events of a name.
func eventsNamed(t *testing.T, path, name string) (list []plog.LogRecord) {
	t.Helper()
	for _, r := range readRecords(t, path) {
		if r.EventName() == name {
			list = append(list, r)
		}
	}
	return list
}

// summary sums up records as the truth of a stream is.
func summary(records []plog.LogRecord) logtest.Truth {
	truth := logtest.Truth{Frames: map[string]int64{}, Seconds: map[string]float64{}}
	for _, r := range records {
		attributes := r.Attributes().AsRaw()
		module, _ := attributes["facefusion.module"].(string)
		switch {
		case r.EventName() == "facefusion.log.exception" || r.EventName() == "facefusion.log.request_rejected":
			truth.Tracebacks++
		case strings.HasPrefix(module, "FACEFUSION") && r.EventName() != "facefusion.log.content_declined":
			truth.Messages++
		case r.EventName() == "facefusion.log.phase":
			if _, running := attributes["facefusion.phase.left"]; running {
				continue
			}
			phase := attributes["facefusion.phase"].(string)
			truth.Frames[phase] += attributes["facefusion.phase.frames"].(int64)
			seconds, _ := attributes["facefusion.phase.duration"].(float64)
			truth.Seconds[phase] += seconds
		}
	}
	return truth
}

// requireTruth waits until the records are as the stream, and compares the rest.
func requireTruth(t *testing.T, want logtest.Truth, read func() []plog.LogRecord, what string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			for _, r := range read() {
				t.Log(r.EventName(), r.Body().Str())
			}
		}
	}()
	require.Eventually(t, func() bool {
		got := summary(read())
		return got.Messages == want.Messages && got.Tracebacks == want.Tracebacks && fmt.Sprint(got.Frames) == fmt.Sprint(want.Frames)
	}, 20*time.Second, 100*time.Millisecond, "%s: want %v", what, want)
	got := summary(read())
	for phase, seconds := range want.Seconds {
		require.InDelta(t, seconds, got.Seconds[phase], max(0.02*seconds, 0.02), "%s of %s", phase, what)
	}
	for _, r := range read() {
		require.NotContains(t, r.Body().Str(), "%|", what)
		require.NotContains(t, r.Body().Str(), "[FACEFUSION", what)
		require.NotContains(t, r.Body().Str(), "\x1b", what)
	}
}

func logRecording(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/logs", name))
	require.NoError(t, err)
	return data
}

// closedRecordings are those of which every bar was closed.
var closedRecordings = []string{
	"real/3.8.1-batch.stderr", "real/3.8.1-exception.stderr", "real/3.8.1-monitored.stderr", "real/3.8.1-runA.stderr", "real/3.8.1-runB.stderr",
	"real/ff320-headless.stderr", "real/ff320-declined.stderr", "real/ff382-headless.stderr", "real/3.8.1-noload.stderr", "real/v4-api.stderr",
	"recorded/3.0.0-headless-run-nsfw.stderr.log", "recorded/3.2.0-job-run.stderr.log", "recorded/3.7.0-headless-run-ok.stderr.log",
}

// TestLogsFromFiles plays recordings into files, each in one of its own, at 1,000 times their pace.
func TestLogsFromFiles(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "")
	for _, name := range closedRecordings {
		file, err := os.Create(filepath.Join(l.dir, filepath.Base(name)+".log"))
		require.NoError(t, err)
		data := logRecording(t, name)
		require.NoError(t, logtest.Play(file, data, 1000))
		require.NoError(t, file.Close())
		requireTruth(t, logtest.Read(data), func() []plog.LogRecord { return l.of(t, filepath.Base(name)+".log") }, name)
	}
}

// ownPace says that recordings are played as slowly as FaceFusion wrote them, which takes 77
// seconds (make e2e-logs). Without it, what takes longer than paced is played faster.
var ownPace = os.Getenv("E2E_OWN_PACE") != ""

const paced = 20 * time.Second

// playAtTheirOwnPace plays all recordings at once, each to where it belongs, in the time that
// FaceFusion took.
func playAtTheirOwnPace(t *testing.T, to func(name string) io.WriteCloser) {
	t.Helper()
	played := make(chan error, len(closedRecordings))
	for _, name := range closedRecordings {
		data, out := logRecording(t, name), to(name)
		took := time.Duration(0)
		for _, w := range logtest.Writes(data) {
			took += w.After
		}
		speed := max(1, took.Seconds()/paced.Seconds())
		if ownPace {
			speed = 1
		}
		go func() { played <- errors.Join(logtest.Play(out, data, speed), out.Close()) }()
	}
	for range closedRecordings {
		require.NoError(t, <-played)
	}
}

// TestRecordingsAtTheirOwnPace plays all of them as files, and as Docker and the kubelet's runtimes
// write them.
func TestRecordingsAtTheirOwnPace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := startLogsOf(t, dir+"/*.raw", dir, "service: {pipelines: {logs/facefusion: {receivers: [file_log/facefusion, file_log/containers]}}}")
	kinds := map[string]func(io.Writer) io.WriteCloser{
		".raw":              func(to io.Writer) io.WriteCloser { return plain{to} },
		"-docker-json.log":  func(to io.Writer) io.WriteCloser { return &logtest.Docker{To: to} },
		"-kubelet-json.log": func(to io.Writer) io.WriteCloser { return &logtest.CRI{To: to} },
	}
	playAtTheirOwnPace(t, func(name string) io.WriteCloser {
		var all tee
		for suffix, as := range kinds {
			file, err := os.Create(filepath.Join(l.dir, filepath.Base(name)+suffix))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, file.Close()) })
			all = append(all, as(file))
		}
		return all
	})
	for _, name := range closedRecordings {
		for suffix := range kinds {
			file := filepath.Base(name) + suffix
			requireTruth(t, logtest.Read(logRecording(t, name)), func() []plog.LogRecord { return l.of(t, file) }, file)
		}
	}
}

// plain closes nothing.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// tee writes to several, and closes all of them.
type tee []io.WriteCloser

func (all tee) Write(data []byte) (int, error) {
	for _, one := range all {
		if _, err := one.Write(data); err != nil {
			return 0, err //nolint:wrapcheck // a test's
		}
	}
	return len(data), nil
}

func (all tee) Close() error {
	var err error
	for _, one := range all {
		err = errors.Join(err, one.Close())
	}
	return err
}

// TestLogsAtTheirOwnPace shows progress while a step runs.
func TestLogsAtTheirOwnPace(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "processors: {facefusion_log: {progress_interval: 2s}}")
	file, err := os.Create(filepath.Join(l.dir, "facefusion.log"))
	require.NoError(t, err)
	defer file.Close()
	data := logRecording(t, "real/3.8.1-retry.stderr")
	require.NoError(t, logtest.Play(file, data, 1))
	requireTruth(t, logtest.Read(data), func() []plog.LogRecord { return l.read(t) }, "own pace")
	running := 0
	for _, r := range l.read(t) {
		if left, there := r.Attributes().Get("facefusion.phase.left"); there {
			running++
			if frames, _ := r.Attributes().Get("facefusion.phase.frames"); frames.Int() < 10 {
				continue // the first frames are slow
			}
			require.Less(t, left.Double(), 9.0)
			rate, _ := r.Attributes().Get("facefusion.phase.rate")
			require.InDelta(t, 6, rate.Double(), 3, "50 frames in 9 s")
		}
	}
	require.InDelta(t, 4, running, 1, "9 seconds of frames, a record every two")
}

// TestLogsFromDocker plays recordings as Docker writes them.
func TestLogsFromDocker(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "service: {pipelines: {logs/facefusion: {receivers: [file_log/containers]}}}")
	for i, name := range closedRecordings {
		path := fmt.Sprintf("%064x-json.log", i)
		file, err := os.Create(filepath.Join(l.dir, path))
		require.NoError(t, err)
		data := logRecording(t, name)
		docker := &logtest.Docker{To: file}
		require.NoError(t, logtest.Play(docker, data, 1000))
		require.NoError(t, docker.Close())
		require.NoError(t, file.Close())
		requireTruth(t, logtest.Read(data), func() []plog.LogRecord { return l.of(t, path) }, name)
	}
}

// TestLogFileThatChanges is rotated, truncated and deleted while it is read, and stands beside
// others that begin alike.
func TestLogFileThatChanges(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "")
	path := filepath.Join(l.dir, "facefusion.log")
	sent := 0
	write := func(flags int, texts ...string) *os.File {
		file, err := os.OpenFile(path, flags|os.O_WRONLY|os.O_CREATE, 0o600)
		require.NoError(t, err)
		for _, text := range texts {
			_, err = file.WriteString(text)
			require.NoError(t, err)
			sent++
		}
		return file
	}
	seen := func(what string) {
		require.Eventually(t, func() bool { return len(l.read(t)) == sent }, 10*time.Second, 50*time.Millisecond, "%s: %d of %d", what, len(l.read(t)), sent)
	}
	file := write(os.O_APPEND, "[FACEFUSION.CORE] job a created\n", "[FACEFUSION.CORE] step added to job a\n")
	seen("written")
	require.NoError(t, os.Rename(path, path+".1"))
	// the process goes on writing to the old file
	_, err := file.WriteString("[FACEFUSION.CORE] job a submitted\n")
	require.NoError(t, err)
	sent++
	require.NoError(t, file.Close())
	file = write(os.O_APPEND, "[FACEFUSION.CORE] job b created\n")
	seen("rotated")
	require.NoError(t, os.Truncate(path, 0))
	// the reader has to see it empty: a file that has grown beyond its old size is not known to be
	// another
	time.Sleep(time.Second)
	_, err = file.WriteString("[FACEFUSION.CORE] job c created\n")
	require.NoError(t, err)
	sent++
	seen("truncated")
	require.NoError(t, os.Remove(path))
	require.NoError(t, file.Close())
	time.Sleep(time.Second)
	file = write(os.O_APPEND, "[FACEFUSION.CORE] processing stopped\n")
	seen("deleted and made anew")
	require.NoError(t, file.Close())
	// those of several units that begin with the same traceback
	same := "[FACEFUSION.CORE] " + strings.Repeat("as all others ", 300) + "\n"
	for i := range 4 {
		path = filepath.Join(l.dir, fmt.Sprintf("unit-%d.log", i))
		require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "%s[FACEFUSION.CORE] job %d created\n", same, i), 0o600))
		sent += 2
	}
	seen("begun alike")
}

// TestTwoFaceFusionsOfOneLogFile append to one file.
func TestTwoFaceFusionsOfOneLogFile(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "")
	path := filepath.Join(l.dir, "facefusion.log")
	names := []string{"real/3.8.1-runA.stderr", "real/ff382-headless.stderr"}
	ended := make(chan error, len(names))
	want := logtest.Truth{Frames: map[string]int64{}}
	for _, name := range names {
		data := logRecording(t, name)
		truth := logtest.Read(data)
		want.Messages += truth.Messages
		for phase, n := range truth.Frames {
			want.Frames[phase] += n
		}
		go func() {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
			if err == nil {
				err = logtest.Play(file, data, 20)
				file.Close()
			}
			ended <- err
		}()
	}
	for range names {
		require.NoError(t, <-ended)
	}
	require.Eventually(t, func() bool {
		got := summary(l.read(t))
		return got.Messages == want.Messages && fmt.Sprint(got.Frames) == fmt.Sprint(want.Frames)
	}, 10*time.Second, 100*time.Millisecond, "want %v, got %v", want, summary(l.read(t)))
}

// TestLogsOfBadInput: after a record of 100 MB without a newline and a MiB of garbage, further
// records are read. Memory stays bounded.
func TestLogsOfBadInput(t *testing.T) {
	t.Parallel()
	l := startLogs(t, "")
	file, err := os.Create(filepath.Join(l.dir, "facefusion.log"))
	require.NoError(t, err)
	defer file.Close()
	before := l.resident(t)
	block := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	for range 100 {
		_, err = file.Write(block)
		require.NoError(t, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	garbage := make([]byte, 1<<20)
	for i := range garbage {
		garbage[i] = byte(random.UintN(256))
	}
	_, err = file.Write(append(append([]byte("\n"), garbage...), "\n[FACEFUSION.CORE] processing stopped\n"...))
	require.NoError(t, err)
	most := 0
	require.Eventually(t, func() bool {
		most = max(most, l.resident(t))
		records := l.read(t)
		return len(records) > 0 && records[len(records)-1].Body().Str() == "processing stopped"
	}, 60*time.Second, 100*time.Millisecond)
	records := l.read(t)
	omitted, _ := records[0].Attributes().Get("facefusion.omitted.bytes")
	require.Equal(t, int64(100<<20-16<<10), omitted.Int())
	require.Less(t, len(records), 3000)
	t.Logf("resident memory: %d MiB before, %d MiB at most", before>>20, most>>20)
	require.Less(t, most-before, 96<<20)
}

// TestLogsBudget: 10,000 records of bars a second take less than a tenth of a core.
func TestLogsBudget(t *testing.T) {
	l := startLogs(t, "receivers: {host_metrics: {collection_interval: 10m}, facefusion: {collection_interval: 10m, gpu: {enabled: false}}}")
	file, err := os.Create(filepath.Join(l.dir, "facefusion.log"))
	require.NoError(t, err)
	defer file.Close()
	idle := l.cpu(t)
	const seconds, perSecond, bursts = 15, 10_000, 20
	time.Sleep(seconds * time.Second)
	idle = l.cpu(t) - idle
	begin, busy, memory := time.Now(), l.cpu(t), l.resident(t)
	const total = seconds * perSecond
	for i := range seconds * bursts {
		var b []byte
		for j := range perSecond / bursts {
			n := i*perSecond/bursts + j
			b = fmt.Appendf(b, "\ranalysing: %3d%%|===       | %d/%d [00:%02d<00:%02d, 9983.70frame/s, rate=0]", n*100/total, n, total, i/bursts, seconds-i/bursts)
		}
		_, err = file.Write(b)
		require.NoError(t, err)
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * time.Second / bursts)))
	}
	_, err = fmt.Fprintf(file, "\ranalysing: 100%%|==========| %d/%d [00:%02d<00:00, 10000.00frame/s, rate=0]\n", total, total, seconds)
	require.NoError(t, err)
	took := time.Since(begin)
	busy = l.cpu(t) - busy
	share := (busy - idle).Seconds() / took.Seconds()
	t.Logf("%d records a second: %.1f %% of a core more than at rest (%v in %v, at rest %v), resident memory %d MiB, before %d MiB",
		perSecond, 100*share, busy, took.Round(time.Millisecond), idle, l.resident(t)>>20, memory>>20)
	require.Less(t, share, 0.1)
	require.Less(t, l.resident(t)-memory, 32<<20)
	require.Eventually(t, func() bool { return summary(l.read(t)).Frames["analysing"] == total }, 10*time.Second, 100*time.Millisecond)
}

// cpu returns the collector's CPU time.
func (c *collector) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	require.NoError(t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, i := range []int{11, 12} {
		n, err := strconv.Atoi(fields[i])
		require.NoError(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident returns the collector's resident memory in bytes.
func (c *collector) resident(t *testing.T) int {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// TestLogsFromTheJournal runs a journald of its own, in namespaces of its own: FaceFusion's lines
// go through its real socket, at 1,000 times their pace and then at their own.
func TestLogsFromTheJournal(t *testing.T) {
	if os.Getenv(journalStage) == "" {
		t.Parallel()
		runIsolatedJournal(t)
		return
	}
	journald := exec.Command("/usr/lib/systemd/systemd-journald")
	journald.Stderr = os.Stderr
	require.NoError(t, journald.Start())
	t.Cleanup(func() {
		require.NoError(t, journald.Process.Signal(syscall.SIGTERM))
		_ = journald.Wait()
	})
	require.Eventually(t, func() bool { _, err := os.Stat("/run/systemd/journal/stdout"); return err == nil }, 10*time.Second, 50*time.Millisecond)
	// A reader for each, so that records say of which recording they are. The first one is that of
	// config/logs.yaml, and the others are as it is.
	var receivers, names []string
	for i, name := range closedRecordings {
		reader, as := "journald/facefusion", "units: []"
		if i > 0 {
			reader, as = fmt.Sprintf("journald/%d", i), "convert_message_bytes: true, all: true"
		}
		receivers = append(receivers, fmt.Sprintf("%[1]s: {%[2]s, identifiers: [%[3]s], start_at: beginning, resource: {recording: %[3]s}}", reader, as, identifier(name)))
		names = append(names, reader)
	}
	l := startLogs(t, fmt.Sprintf("receivers: {%s}\nservice: {pipelines: {logs/facefusion: {receivers: [%s]}}}\n", strings.Join(receivers, ", "), strings.Join(names, ", ")))
	for _, name := range closedRecordings {
		cat := journalCat(t, name)
		require.NoError(t, logtest.Play(cat, logRecording(t, name), 1000))
		require.NoError(t, cat.Close())
	}
	requireJournal(t, l, 1)
	playAtTheirOwnPace(t, func(name string) io.WriteCloser { return journalCat(t, name) })
	requireJournal(t, l, 2)
}

// requireJournal waits until each recording was read so many times.
func requireJournal(t *testing.T, l *logs, times int) {
	t.Helper()
	for _, name := range closedRecordings {
		once := logtest.Read(logRecording(t, name))
		want := logtest.Truth{Messages: times * once.Messages, Tracebacks: times * once.Tracebacks, Frames: map[string]int64{}, Seconds: map[string]float64{}}
		for phase, n := range once.Frames {
			want.Frames[phase] = int64(times) * n
		}
		for phase, seconds := range once.Seconds {
			want.Seconds[phase] = float64(times) * seconds
		}
		requireTruth(t, want, func() []plog.LogRecord { return readRecordsOf(t, l.records, "recording", identifier(name)) }, name)
	}
}

// identifier is what a recording is called in the journal.
func identifier(name string) string { return strings.ReplaceAll(filepath.Base(name), ".", "-") }

// journalled is a program whose output goes to the journal.
type journalled struct {
	io.WriteCloser
	cmd *exec.Cmd
}

func journalCat(t *testing.T, name string) *journalled {
	t.Helper()
	cmd := exec.Command("systemd-cat", "--level-prefix=false", "-t", identifier(name), "cat")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	return &journalled{in, cmd}
}

func (j *journalled) Close() error { return errors.Join(j.WriteCloser.Close(), j.cmd.Wait()) }

const journalStage = "E2E_JOURNAL"

// runIsolatedJournal runs the test again where /run and /var/log/journal are its own.
func runIsolatedJournal(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"/usr/lib/systemd/systemd-journald", "/usr/bin/systemd-cat", "/usr/bin/journalctl"} {
		_, err := os.Stat(tool)
		require.NoError(t, err, "install systemd")
	}
	script := `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal /run/lock && exec "$0" -test.run '^TestLogsFromTheJournal$' -test.v`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script, os.Args[0])
	cmd.Env = append(os.Environ(), journalStage+"=1")
	out, err := cmd.CombinedOutput()
	t.Log(string(out))
	require.NoError(t, err)
}
