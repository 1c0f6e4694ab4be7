package jobqueue

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestScripts runs testdata/scripts: a new case needs no Go. testdata/scripts/README.md says what
// there is to write.
func TestScripts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/scripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, path, string(text), jobScript{})
		})
		t.Run(name+" without inotify", func(t *testing.T) {
			t.Parallel()
			play(t, path, string(text), jobScript{blind: true})
		})
		if slices.Contains(needsOneCollector, name) {
			continue
		}
		t.Run(name+" with a new collector for each line", func(t *testing.T) {
			t.Parallel()
			play(t, path, string(text), jobScript{memory: recordStore{}})
		})
	}
}

// needsOneCollector are the scripts in which one collector must live long enough to reach a
// verdict, or is without memory by intent.
var needsOneCollector = []string{
	"collector_restarted", "history", "old_orphan", "folder_removed_and_recreated",
	"an_end_is_final", "killed_at_the_second_step", "orphaned_and_run_again", "stalled_and_back", "two_runners",
}

func play(t *testing.T, path, text string, s jobScript) {
	settings := Settings{StallAfter: time.Minute}
	if s.memory != nil {
		settings.Load = s.memory.load
	}
	s.harness = newHarness(t, settings)
	s.hide()
	s.harness.pass() // the baseline of an empty folder
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.at = fmt.Sprintf("%s:%d: %s", path, i+1, line)
		if want, ok := strings.CutPrefix(line, "> "); ok {
			require.NotEmpty(t, s.pending, "%s\nno more changes", s.at)
			require.Equal(t, want, s.pending[0], s.at)
			s.pending = s.pending[1:]
			continue
		}
		require.Empty(t, s.pending, "%s\nchanges that the script does not expect before this line", s.at)
		if want, ok := strings.CutPrefix(line, "="); ok {
			require.Equal(t, strings.TrimSpace(want), counts(s.harness.queue()), s.at)
			continue
		}
		s.operation(strings.Fields(line))
		if s.memory != nil {
			s.memory.keep(s.harness.watcher)
			s.restart()
		}
		s.pending = append(s.pending, transitions(s.harness.took())...)
	}
	require.Empty(t, s.pending, "%s\nchanges that the script does not expect", s.at)
}

// hide takes inotify away.
func (s *jobScript) hide() {
	if s.blind {
		s.harness.addWatch(func(*fsnotify.Watcher, string) error { return unix.ENOSPC })
	}
}

type jobScript struct {
	harness *harness
	blind   bool
	memory  recordStore // nil for none
	at      string
	pending []string
}

func (s *jobScript) operation(words []string) {
	h, t := s.harness, s.harness.t
	t.Helper()
	args := words[1:]
	switch words[0] {
	case "restart": // the collector
		s.restart()
	case "look":
		h.pass()
	case "tick":
		h.tick(s.duration(args[0]))
	case "pass":
		h.advance(s.duration(args[0]))
	case "job":
		h.job(args[0], args[1:]...)
	case "half-write":
		text := h.text(filepath.Base(args[0]), args[1:]...)
		h.write(args[0], text[:len(text)/2])
	case "write":
		h.write(args[0], []byte(strings.Join(args[1:], " ")))
	case "truncate":
		h.write(args[0], nil)
	case "mv":
		h.mv(args[0], args[1])
	case "copy": // to another filesystem: another inode
		text, err := os.ReadFile(h.file(args[0]))
		require.NoError(t, err, s.at)
		info, err := os.Stat(h.file(args[0]))
		require.NoError(t, err, s.at)
		require.NoError(t, os.WriteFile(h.file(args[1]), text, 0o644), s.at)
		require.NoError(t, os.Chtimes(h.file(args[1]), info.ModTime(), info.ModTime()), s.at)
	case "rm":
		require.NoError(t, os.Remove(h.file(args[0])), s.at)
	case "rmdir":
		require.NoError(t, os.RemoveAll(filepath.Join(h.path, args[0])), s.at)
	case "mkdir":
		for _, name := range jobsdir.Names {
			require.NoError(t, os.MkdirAll(filepath.Join(h.path, name), 0o755), s.at)
		}
	case "fifo":
		require.NoError(t, unix.Mkfifo(h.file(args[0]), 0o644), s.at)
	case "link":
		require.NoError(t, os.Symlink(args[1]+jobsdir.Extension, h.file(args[0])), s.at)
	case "dir":
		require.NoError(t, os.Mkdir(h.file(args[0]), 0o755), s.at)
	case "size":
		n, err := strconv.ParseInt(args[1], 10, 64)
		require.NoError(t, err, s.at)
		require.NoError(t, os.Truncate(h.file(args[0]), n), s.at)
		require.NoError(t, os.Chtimes(h.file(args[0]), h.now, h.now))
	case "oddities":
		assert.Equal(t, args[0], strconv.Itoa(h.queue().Irregular), s.at)
	case "active":
		assert.Equal(t, args[0], strconv.Itoa(h.queue().ActiveTasks), s.at)
	case "contended":
		assert.Equal(t, args[0], strconv.Itoa(h.queue().Contended), s.at)
	case "access":
		assert.Equal(t, Access(args[0]), h.queue().Access, s.at)
	case "finished":
		assert.Equal(t, strings.Join(args, " "), finishedRuns(h.queue()), s.at)
	case "steps":
		assert.Equal(t, strings.Join(args, " "), endedSteps(h.queue()), s.at)
	default:
		s.evidence(words)
	}
}

func (s *jobScript) restart() {
	h := s.harness
	h.watcher.Close()
	h.watcher = NewWatcher(h.watcher.settings)
	h.t.Cleanup(h.watcher.Close)
	s.hide()
}

// evidence is what the receiver would tell.
func (s *jobScript) evidence(words []string) {
	h, t := s.harness, s.harness.t
	t.Helper()
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "processes unknown":
		h.unknown = true
	case "processes none":
		h.unknown, h.evidence.Processes = false, nil
	case "gpu busy", "gpu idle":
		h.evidence.GPUBusy = reading.Known(words[1] == "busy")
	default:
		switch words[0] {
		case "process":
			h.process(ProcessRole(words[1]), s.duration(words[2]))
		case "cpu":
			seconds, err := strconv.ParseFloat(words[1], 64)
			require.NoError(t, err, s.at)
			h.use(seconds)
		case "ffmpeg":
			n, err := strconv.Atoi(words[1])
			require.NoError(t, err, s.at)
			h.evidence.FFmpeg = reading.Known(slices.Repeat([][]string{{"/data/in/clip.mp4"}}, n))
		default:
			t.Fatalf("%s: no such operation", s.at)
		}
	}
}

func (s *jobScript) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(s.harness.t, err, s.at)
	return d
}

// finishedRuns is for example "completed/batch/video 2 5.0s".
func finishedRuns(q *Queue) string {
	var all []string
	for _, r := range q.Runs {
		line := fmt.Sprintf("%s/%s/%s %d", r.Outcome, r.Origin, r.Media, r.Count)
		if r.Duration.Count > 0 {
			line += fmt.Sprintf(" %.1fs", r.Duration.Sum)
		}
		if r.Wait.Count > 0 {
			line += fmt.Sprintf(" waited %.1fs", r.Wait.Sum)
		}
		all = append(all, line)
	}
	return strings.Join(all, ", ")
}

func endedSteps(q *Queue) string {
	var all []string
	for _, s := range q.Steps {
		all = append(all, fmt.Sprintf("%s %d %.1fs", s.Outcome, s.Duration.Count, s.Duration.Sum))
	}
	return strings.Join(all, ", ")
}
