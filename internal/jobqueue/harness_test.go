package jobqueue

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// harness is a jobs folder, what is known of the processes, and a clock that a test turns. Files
// are written with the time of that clock, which is ahead of the kernel's: so no ctime, which
// cannot be set, is ever believed.
type harness struct {
	t       *testing.T
	path    string
	watcher *Watcher
	folders []Folder
	// evidence is the evidence; absent where unknown.
	evidence InstanceEvidence
	unknown  bool
	now      time.Time
	pids     int
	// lag is how old the list of processes is.
	lag     time.Duration
	created map[string]time.Time
	last    *Snapshot
	changes []Change
	// folderTimes are what was set last: a status folder with another one was changed since.
	folderTimes map[string]time.Time
}

func newHarness(t *testing.T, s Settings) *harness {
	t.Helper()
	if s.Gate == nil { // a slow machine is no share that hangs
		s.Gate = hostfs.NewGate(hostfs.Settings{Go: func(access func()) { access() }})
	}
	h := &harness{t: t, path: filepath.Join(t.TempDir(), ".jobs"), watcher: NewWatcher(s), now: time.Now().Add(time.Hour).Truncate(time.Millisecond), created: make(map[string]time.Time), folderTimes: make(map[string]time.Time)}
	t.Cleanup(h.watcher.Close)
	for _, name := range jobsdir.Names {
		require.NoError(t, os.MkdirAll(filepath.Join(h.path, name), 0o755))
	}
	h.folders = []Folder{{Instance: "facefusion-3f2a", Path: h.path}}
	return h
}

// addWatch replaces the system call that watches a folder.
func (h *harness) addWatch(add func(*fsnotify.Watcher, string) error) {
	newHinter := h.watcher.newHinter
	h.watcher.newHinter = func() *jobsdir.Hinter {
		hinter := newHinter()
		hinter.AddWatch = add
		return hinter
	}
	for _, f := range h.watcher.folders {
		f.hinter.AddWatch = add
	}
}

// pass looks at everything, until nothing is left to do.
func (h *harness) pass() *Snapshot {
	h.t.Helper()
	h.advance(passTakes)
	h.setFolderTimes()
	for _, f := range h.watcher.folders {
		f.sweptAt = time.Time{}
		for i := range f.dirs {
			f.dirs[i].Cost = 0 // what it took says something about this machine
		}
	}
	for {
		h.evidence.Time = h.now.Add(-h.lag)
		evidence := Evidence{"facefusion-3f2a": h.evidence}
		for _, at := range h.folders {
			evidence[at.Instance] = h.evidence
		}
		if h.unknown {
			evidence = nil
		}
		s, err := h.watcher.observeAt(h.t.Context(), h.folders, evidence, h.now)
		require.NoError(h.t, err)
		h.changes = append(h.changes, s.Changes...)
		h.last = s
		unfinished := false
		for _, f := range h.watcher.folders {
			unfinished = unfinished || f.unfinished()
		}
		if !unfinished {
			return s
		}
	}
}

// setFolderTimes lets each change of a status folder have a time of its own. The kernel's clock has
// steps of some milliseconds, which pass faster here.
func (h *harness) setFolderTimes() {
	for _, name := range jobsdir.Names {
		path := filepath.Join(h.path, name)
		info, err := os.Stat(path)
		if err != nil || info.ModTime().Equal(h.folderTimes[name]) || os.Chtimes(path, h.now, h.now) != nil {
			continue
		}
		h.folderTimes[name] = h.now
	}
}

const passTakes = time.Millisecond

// tick looks every second until the time has passed.
func (h *harness) tick(d time.Duration) *Snapshot {
	h.t.Helper()
	for ; d > 0; d -= time.Second {
		h.advance(min(d, time.Second) - passTakes)
		h.pass()
	}
	return h.last
}

func (h *harness) advance(d time.Duration) { h.now = h.now.Add(d) }

// took returns the changes since the last call.
func (h *harness) took() []Change {
	c := h.changes
	h.changes = nil
	return c
}

func (h *harness) queue() *Queue {
	h.t.Helper()
	require.Len(h.t, h.last.Queues, 1)
	return &h.last.Queues[0]
}

func (h *harness) file(name string) string { return filepath.Join(h.path, name) + jobsdir.Extension }

// text is a job file with the given statuses, as of now.
func (h *harness) text(id string, statuses ...string) []byte {
	created, there := h.created[id]
	if !there {
		created = h.now
		h.created[id] = created
	}
	return jobText(h.t, created, h.now, statuses...)
}

const pythonTime = "2006-01-02T15:04:05.000000-07:00"

func jobText(t testing.TB, created, updated time.Time, statuses ...string) []byte {
	steps := make([]map[string]any, len(statuses))
	for i, status := range statuses {
		steps[i] = map[string]any{"status": status, "args": map[string]any{
			"source_paths": []string{"/data/in/alice.jpg"}, "target_path": "/data/in/clip.mp4", "output_path": "/data/out/clip.mp4",
			"processors": []string{"face_swapper", "face_enhancer"}, "face_swapper_model": "inswapper_128", "face_enhancer_model": "gfpgan_1.4",
			"deep_swapper_model": "iperov/somebody_224", "output_video_encoder": "libx264",
		}}
	}
	text, err := json.MarshalIndent(map[string]any{
		"version": "1", "date_created": created.Format(pythonTime), "date_updated": updated.Format(pythonTime), "steps": steps,
	}, "", "    ")
	require.NoError(t, err)
	return text
}

// write writes in place, as FaceFusion does.
func (h *harness) write(name string, text []byte) {
	h.t.Helper()
	h.advance(time.Millisecond)
	require.NoError(h.t, os.WriteFile(h.file(name), text, 0o644))
	require.NoError(h.t, os.Chtimes(h.file(name), h.now, h.now))
}

// job writes a job with the given statuses.
func (h *harness) job(name string, statuses ...string) {
	h.t.Helper()
	h.advance(time.Millisecond)
	h.write(name, h.text(filepath.Base(name), statuses...))
}

func (h *harness) mv(from, to string) {
	h.t.Helper()
	require.NoError(h.t, os.Rename(h.file(from), h.file(to)))
}

// end writes how a job that was queued ended, and moves it, as FaceFusion does.
func (h *harness) end(id, status string) {
	h.t.Helper()
	h.job("queued/"+id, status)
	h.mv("queued/"+id, status+"/"+id)
}

// process sets what lives: "server 1h" started an hour ago.
func (h *harness) process(role ProcessRole, age time.Duration) {
	h.unknown = false
	h.pids++
	h.evidence.Processes = append(h.evidence.Processes, LiveProcess{ProcessID: ProcessID{PID: h.pids}, Role: role, Started: h.now.Add(-age)})
}

func (h *harness) use(cpu float64) { h.evidence.CPU = reading.Known(h.evidence.CPU.V + cpu) }

func transitions(changes []Change) []string {
	var all []string
	for _, c := range changes {
		name := func(s JobState) string {
			if s == StateNone {
				return "none"
			}
			return string(s)
		}
		line := c.Job + ": " + name(c.From) + " -> " + name(c.To)
		if c.Ended {
			line += " ended " + string(c.Run.Outcome)
		}
		if c.Run != nil && c.Run.Attempt > 1 {
			line += " attempt " + strconv.Itoa(c.Run.Attempt)
		}
		all = append(all, line)
	}
	return all
}

func counts(q *Queue) string {
	var all []string
	for i, n := range q.Jobs {
		if n != 0 {
			all = append(all, string(States[i])+" "+strconv.Itoa(n))
		}
	}
	return strings.Join(all, " ")
}

// is makes a reading.
func is[T any](v T) reading.Value[T] { return reading.Known(v) }
