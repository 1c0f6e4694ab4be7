package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// OutputFile is a file that a process has for standard output or error, as this process names it
// below the root.
type OutputFile struct {
	Path string
	// Confirmed says that the process has the very file that is there open for writing; without it
	// there is only the name. Owned says that the file is its user's as well.
	Confirmed, Owned bool
}

// OutputFiles are those of a process. A terminal, a pipe and a socket are none. What a link in
// /proc says is a claim: a process may have a file of the same name in a mount namespace of its
// own, or the file of somebody else open for reading. There is none where the process may not be
// looked into; complete is false where a file system has not answered yet. The path of a file that
// is renamed later changes with it: ask when the process is new.
func OutputFiles(gate *hostfs.Gate, root string, pid int) (list []OutputFile, complete bool) {
	f := newFiles(root, gate)
	if f.open() != nil {
		return nil, true
	}
	complete = true
	seen := map[string]bool{}
	for _, fd := range []string{"1", "2"} {
		target, err := os.Readlink(f.path(pid, "fd/"+fd))
		if err != nil || !filepath.IsAbs(target) || strings.HasPrefix(target, "/dev/") || strings.HasSuffix(target, deleted) {
			continue
		}
		file := OutputFile{Path: filepath.Join(f.root, target)}
		if seen[file.Path] {
			continue
		}
		switch err := f.confirm(pid, fd, target, &file); {
		case hostfs.IsHanging(err):
			complete = false
		case err == nil:
			seen[file.Path] = true
			list = append(list, file)
		}
	}
	return list, complete
}

var (
	errNotWritten  = errors.New("not open for writing")
	errAnotherFile = errors.New("another file has its name")
)

// confirm compares an open file with what its name leads to from here. It fails where that is
// another, and where the file itself may not be asked: its user decides that (FUSE).
func (f *files) confirm(pid int, fd, target string, file *OutputFile) error {
	if !f.kernel {
		return nil
	}
	if !f.writes(pid, fd) {
		return errNotWritten
	}
	owner := f.owner(pid)
	open, err := hostfs.Do(f.gate, hostfs.DeviceKey{Owner: owner}, owner, func() (st unix.Stat_t, err error) {
		return st, unix.Stat(f.path(pid, "fd/"+fd), &st)
	})
	if err != nil {
		return err
	}
	root := f.hostRoot()
	root.Owner = owner
	named, err := root.Stat(target)
	switch {
	case errors.Is(err, unix.EACCES):
		return nil
	case err != nil:
		return err
	case folderIDOf(&named) != folderIDOf(&open):
		return errAnotherFile
	}
	file.Confirmed, file.Owned = true, int(open.Uid) == f.user(pid)
	return nil
}

// writes says whether a descriptor is open for writing.
func (f *files) writes(pid int, fd string) bool {
	data, err := f.read(f.path(pid, "fdinfo/"+fd), maxStat)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if text, found := strings.CutPrefix(line, "flags:"); found {
			flags, err := strconv.ParseInt(strings.TrimSpace(text), 8, 64)
			return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}
