package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ProcRoot is a root folder with /proc in it. It is not safe for concurrent use, except that
// anything may read the tree at any time.
type ProcRoot struct {
	root string
	// graves counts ended processes. Their folders are kept, as a file system gives the inode of a
	// deleted folder to the next one.
	graves int
	// started counts the processes. It stands for the last pid in loadavg, which a reader takes as
	// the sign that there are new ones.
	started int
	uptime  time.Duration
	boot    time.Time
}

// NewProcRoot makes a host in an empty folder. It has booted at boot, runs for an hour, and has an
// init process.
func NewProcRoot(root string, boot time.Time) (*ProcRoot, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("make host: %w", err)
	}
	h := &ProcRoot{root: root}
	for _, folder := range []string{"proc", "graves"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return nil, fmt.Errorf("make host: %w", err)
		}
	}
	if err := h.SetClock(boot, time.Hour); err != nil {
		return nil, err
	}
	return h, h.Put(ProcEntry{PID: 1, Argv: []string{"/sbin/init"}, Cwd: "/", StartTicks: 1})
}

// Root is the folder.
func (h *ProcRoot) Root() string { return h.root }

// Path returns where a path of the host really is.
func (h *ProcRoot) Path(path string) string { return filepath.Join(h.root, path) }

// Boot is when the host booted.
func (h *ProcRoot) Boot() time.Time { return h.boot }

// SetClock sets the moment of the boot on the wall clock, and the time since then, by which
// processes age.
func (h *ProcRoot) SetClock(boot time.Time, uptime time.Duration) error {
	h.boot, h.uptime = boot, uptime
	if err := h.WriteFile("/proc/stat", fmt.Sprintf("cpu  1 2 3 4 5 6 7 8 9 10\nbtime %d\n", boot.Unix())); err != nil {
		return err
	}
	return h.WriteFile("/proc/uptime", fmt.Sprintf("%.2f %.2f\n", uptime.Seconds(), uptime.Seconds()))
}

// Advance lets time pass.
func (h *ProcRoot) Advance(d time.Duration) error { return h.SetClock(h.boot, h.uptime+d) }

// Ticks is the start time of a process that starts now.
func (h *ProcRoot) Ticks() uint64 { return uint64(h.uptime / (10 * time.Millisecond)) }

// Checkout makes a folder that looks like an installation of FaceFusion.
func (h *ProcRoot) Checkout(path, version string) error {
	files := map[string]string{
		"facefusion.py":             "#!/usr/bin/env python3\n",
		"facefusion.ini":            "[paths]\ntemp_path =\njobs_path =\n",
		"facefusion/metadata.py":    fmt.Sprintf("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '%s',\n}\n", version),
		".jobs/queued/.placeholder": "",
	}
	for name, content := range files {
		if err := h.WriteFile(filepath.Join(path, name), content); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile puts a file in place as a whole, and makes its folder.
func (h *ProcRoot) WriteFile(path, content string) error {
	return writeFile(h.Path(path), content)
}

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	temporary := filepath.Join(filepath.Dir(path), ".new")
	if err := os.WriteFile(temporary, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// Remove ends a process and takes it away, as when its parent fetched it.
func (h *ProcRoot) Remove(pid int) error {
	h.graves++
	grave := filepath.Join(h.root, "graves", strconv.Itoa(h.graves))
	if err := os.Rename(h.dir(pid), grave); err != nil {
		return fmt.Errorf("remove process %d: %w", pid, err)
	}
	return nil
}

func (h *ProcRoot) dir(pid int) string { return filepath.Join(h.root, "proc", strconv.Itoa(pid)) }
