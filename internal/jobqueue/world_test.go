package jobqueue

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// world is a jobs folder, what is known of the processes, and a clock that a test turns. Files are written with the time of that clock, which is ahead of the
// kernel's: so no ctime, which cannot be set, is ever believed.
type world struct {
	t       *testing.T
	path    string
	watcher *Watcher
	folders []Folder
	// life is the evidence; absent where unknown.
	life    Life
	unknown bool
	now     time.Time
	created map[string]time.Time
	last    *Snapshot
	changes []Change
	// folderTimes are what was set last: a part with another one was changed since.
	folderTimes map[string]time.Time
}

func newWorld(t *testing.T, s Settings) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), ".jobs"), watcher: NewWatcher(s), now: time.Now().Add(time.Hour).Truncate(time.Millisecond), created: make(map[string]time.Time), folderTimes: make(map[string]time.Time)}
	t.Cleanup(w.watcher.Close)
	for _, name := range partNames {
		require.NoError(t, os.MkdirAll(filepath.Join(w.path, name), 0o755))
	}
	w.folders = []Folder{{Instance: "facefusion-3f2a", Path: w.path}}
	return w
}

// look looks at everything, until nothing is left to do.
func (w *world) look() *Snapshot {
	w.t.Helper()
	w.pass(lookTakes)
	w.setFolderTimes()
	for _, f := range w.watcher.folders {
		f.sweptAt = time.Time{}
		for i := range f.parts {
			f.parts[i].cost = 0 // what it took says something about this machine
		}
	}
	for {
		w.life.Time = w.now
		evidence := Evidence{"facefusion-3f2a": w.life}
		if w.unknown {
			evidence = nil
		}
		s, err := w.watcher.observe(w.t.Context(), w.folders, evidence, w.now)
		require.NoError(w.t, err)
		w.changes = append(w.changes, s.Changes...)
		w.last = s
		unfinished := false
		for _, f := range w.watcher.folders {
			unfinished = unfinished || f.unfinished()
		}
		if !unfinished {
			return s
		}
	}
}

// setFolderTimes lets each change of a part have a time of its own. The kernel's clock has steps of some milliseconds, which pass faster here.
func (w *world) setFolderTimes() {
	for _, name := range partNames {
		path := filepath.Join(w.path, name)
		info, err := os.Stat(path)
		if err != nil || info.ModTime().Equal(w.folderTimes[name]) || os.Chtimes(path, w.now, w.now) != nil {
			continue
		}
		w.folderTimes[name] = w.now
	}
}

const lookTakes = time.Millisecond

// tick looks every second until the time has passed.
func (w *world) tick(d time.Duration) *Snapshot {
	w.t.Helper()
	for ; d > 0; d -= time.Second {
		w.pass(min(d, time.Second) - lookTakes)
		w.look()
	}
	return w.last
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// took returns the changes since the last call.
func (w *world) took() []Change {
	c := w.changes
	w.changes = nil
	return c
}

func (w *world) queue() *Queue {
	w.t.Helper()
	require.Len(w.t, w.last.Queues, 1)
	return &w.last.Queues[0]
}

func (w *world) file(name string) string { return filepath.Join(w.path, name) + jobExtension }

// text is a job file with the given statuses, as of now.
func (w *world) text(id string, statuses ...string) []byte {
	created, there := w.created[id]
	if !there {
		created = w.now
		w.created[id] = created
	}
	return jobText(w.t, created, w.now, statuses...)
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
func (w *world) write(name string, text []byte) {
	w.t.Helper()
	w.pass(time.Millisecond)
	require.NoError(w.t, os.WriteFile(w.file(name), text, 0o644))
	require.NoError(w.t, os.Chtimes(w.file(name), w.now, w.now))
}

// job writes a job with the given statuses.
func (w *world) job(name string, statuses ...string) {
	w.t.Helper()
	w.pass(time.Millisecond)
	w.write(name, w.text(filepath.Base(name), statuses...))
}

func (w *world) mv(from, to string) {
	w.t.Helper()
	require.NoError(w.t, os.Rename(w.file(from), w.file(to)))
}

// process sets what lives: "server 1h" started an hour ago.
func (w *world) process(role Role, age time.Duration) {
	w.unknown = false
	w.life.Processes = append(w.life.Processes, Process{Role: role, Started: w.now.Add(-age)})
}

func (w *world) use(cpu float64) { w.life.CPU = reading.Known(w.life.CPU.V + cpu) }

func transitions(changes []Change) []string {
	var all []string
	for _, c := range changes {
		name := func(s State) string {
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
