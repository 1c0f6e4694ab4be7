package jobsdir

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// debounce is how long hints are collected before OnHint is called: longer than FaceFusion
	// takes to write a file (2 ms).
	debounce = 20 * time.Millisecond
	// maxHints bounds the names that are kept between two passes. Beyond it the folders are listed.
	maxHints = 1 << 16
)

// Hinter names the files that changed, as far as inotify reports them. It may lose some, and then
// says so; it may know none at all, where a limit of the host is reached or the filesystem is a
// remote one.
type Hinter struct {
	// notify is called, from the hinter's goroutine, when there is something to take.
	notify func()
	wg     sync.WaitGroup
	// AddWatch asks the kernel for a watch; tests have limits of their own.
	AddWatch func(w *fsnotify.Watcher, path string) error
	// Watcher is nil where there is no inotify. It belongs to the Watcher's goroutine.
	watcher *fsnotify.Watcher

	mu    sync.Mutex
	hints Hints
	count int
}

// Hints are what was gathered since they were last taken.
type Hints struct {
	// Names of files by folder; true for one that came or went, false for one that was only
	// written.
	Names map[string]map[string]bool
	// Lost says that there were more.
	Lost bool
}

// NewHinter makes one; notify must not block.
func NewHinter(notify func()) *Hinter {
	return &Hinter{notify: notify, AddWatch: (*fsnotify.Watcher).Add, hints: Hints{Names: make(map[string]map[string]bool)}}
}

// Watch begins to watch a folder, or goes on with it. Where it fails it may be tried again later.
func (h *Hinter) Watch(path string) error {
	if h.watcher == nil {
		w, err := fsnotify.NewWatcher()
		if err != nil {
			return fmt.Errorf("watch jobs: %w", err) // the limit of instances
		}
		h.watcher = w
		h.wg.Go(func() { h.run(w) })
	}
	h.mu.Lock()
	if h.hints.Names[path] == nil {
		h.hints.Names[path] = make(map[string]bool)
	}
	h.mu.Unlock()
	if err := h.AddWatch(h.watcher, path); err != nil {
		return fmt.Errorf("watch jobs: %w", err) // the limit of watches
	}
	return nil
}

// Unwatch ends the watch of a folder, which may be gone.
func (h *Hinter) Unwatch(path string) {
	if h.watcher == nil {
		return
	}
	_ = h.watcher.Remove(path) // it may have gone with its folder
	h.mu.Lock()
	delete(h.hints.Names, path)
	h.mu.Unlock()
}

// Watching are the folders that are watched; one that was removed is not among them any more.
func (h *Hinter) Watching() []string {
	if h.watcher == nil {
		return nil
	}
	return h.watcher.WatchList()
}

// Take hands over what was gathered.
func (h *Hinter) Take() Hints {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.hints
	h.hints = Hints{Names: make(map[string]map[string]bool, len(taken.Names))}
	for path := range taken.Names {
		h.hints.Names[path] = make(map[string]bool)
	}
	h.count = 0
	return taken
}

// Close ends the waiting, and returns when nothing runs any more.
func (h *Hinter) Close() {
	if h.watcher != nil {
		_ = h.watcher.Close() // which always succeeds
	}
	h.wg.Wait()
}

// run gathers until the watcher is closed.
func (h *Hinter) run(w *fsnotify.Watcher) {
	timer := time.NewTimer(debounce)
	timer.Stop()
	defer timer.Stop()
	armed := false
	arm := func() {
		if !armed {
			timer.Reset(debounce)
			armed = true
		}
	}
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if h.note(e) {
				arm()
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			h.MarkLost() // an overflow of the kernel's queue, or an event that cannot be parsed
			arm()
		case <-timer.C:
			armed = false
			h.notify()
		}
	}
}

// note keeps one hint and says whether it is one.
func (h *Hinter) note(e fsnotify.Event) bool {
	folder, name := filepath.Split(e.Name)
	if !IsJobName(name) {
		return slices.Contains(Names[:], name) // the folder itself came or went
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	names := h.hints.Names[filepath.Clean(folder)]
	if names == nil {
		return false
	}
	moved, there := names[name]
	if !there {
		if h.count++; h.count > maxHints {
			h.hints.Lost = true
			return true
		}
	}
	names[name] = moved || e.Has(fsnotify.Create) || e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)
	return true
}

// MarkLost says that some hints were lost.
func (h *Hinter) MarkLost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hints.Lost = true
}
