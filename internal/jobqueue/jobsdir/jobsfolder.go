package jobsdir

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// JobsFolder is an open jobs folder. What a pass looks at is in this very folder, whatever is done
// to its name meanwhile; that a folder of that name has the same inode would not show that.
type JobsFolder struct {
	// Stat says which folder it is.
	Stat  FileStat
	held  hostfs.Held
	may   func(hostfs.Held) bool
	files *hostfs.Root
	path  string
	// session: it is the folder of a session within a jobs folder, which nothing leads out of.
	session bool
}

// OpenJobs opens what a path leads to, be it a folder or not.
func OpenJobs(files *hostfs.Root, path string) (*JobsFolder, error) {
	held, err := files.Hold(path)
	if err != nil {
		return nil, err
	}
	return &JobsFolder{held: held, files: files, path: path, Stat: fileStatOf(&held.Stat)}, nil
}

// OpenSession opens the folder of a session within a jobs folder, on which the access to the key
// may hang.
func OpenSession(files *hostfs.Root, key hostfs.DeviceKey, path, session string) (*JobsFolder, error) {
	return hostfs.Keep(files.Gate, key, files.Owner, func() (*JobsFolder, error) {
		outer, err := files.Open(path, unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return nil, err
		}
		defer unix.Close(outer)
		fd, err := hostfs.OpenInside(outer, session, unix.O_PATH)
		if err != nil {
			return nil, err
		}
		held := hostfs.Held{FD: fd}
		if err := unix.Fstat(fd, &held.Stat); err != nil {
			unix.Close(fd)
			return nil, &os.PathError{Op: "stat", Path: session, Err: err}
		}
		return &JobsFolder{held: held, files: files, path: filepath.Join(path, session), session: true, Stat: fileStatOf(&held.Stat)}, nil
	}, (*JobsFolder).Close)
}

// Close ends a pass. Nil is no folder.
func (j *JobsFolder) Close() {
	if j != nil {
		unix.Close(j.held.FD)
	}
}

// Claim is what a decision about a folder depends on.
type Claim struct {
	dev, ino       uint64
	uid, gid, mode uint32
}

// Claim says of which folder a decision is.
func (j *JobsFolder) Claim() Claim {
	st := &j.held.Stat
	return Claim{uint64(st.Dev), st.Ino, st.Uid, st.Gid, st.Mode}
}

// Permit sets what says whether the folder may be had, and what is mounted in it; nil is that it
// may.
func (j *JobsFolder) Permit(may func(hostfs.Held) bool) { j.may = may }

// Permitted asks whether the folder may be had. The access to the key may hang.
func (j *JobsFolder) Permitted(key hostfs.DeviceKey) (bool, error) {
	if j.may == nil {
		return true, nil
	}
	return j.files.Judge(key, j.held, j.may)
}

// List opens the folder itself for a listing, which the caller closes.
func (j *JobsFolder) List() (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NONBLOCK | unix.O_CLOEXEC
	if fd, err = unix.Openat(j.held.FD, ".", flags, 0); err != nil {
		return -1, &os.PathError{Op: "open", Path: j.path, Err: err}
	}
	return fd, nil
}

// StatInside is that of a path within the folder; neither a link nor a mount leads out of it.
func (j *JobsFolder) StatInside(path string) (FileStat, error) {
	fd, err := hostfs.OpenInside(j.held.FD, path, unix.O_PATH)
	if err != nil {
		return FileStat{}, err
	}
	defer unix.Close(fd)
	return fstat(fd)
}

// openStatusFolder opens a folder within the jobs folder. It may be a link to another disk, but not
// to a folder of somebody else: whoever may write to a jobs folder could read the jobs of others
// through the collector. What root links is right.
func (j *JobsFolder) openStatusFolder(name string) (int, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY
	if j.session {
		return hostfs.OpenInside(j.held.FD, name, flags)
	}
	path := filepath.Join(j.path, name)
	fd, err := unix.Openat(j.held.FD, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch {
	case err == nil && (hostfs.SameMount(j.held.FD, fd) || j.mayHave(fd)):
		return fd, nil
	case err == nil: // mounted there by whoever has a mount namespace of his own
		unix.Close(fd)
		return -1, &os.PathError{Op: "open", Path: path, Err: unix.EPERM}
	case !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP):
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if fd, err = j.files.Open(path, flags); err != nil {
		return -1, err
	}
	if !j.maySpeakFor(fd) {
		unix.Close(fd)
		return -1, &os.PathError{Op: "follow", Path: path, Err: unix.EPERM}
	}
	return fd, nil
}

// maySpeakFor reports whether the owner of the jobs folder may link to a status folder: it is his
// own, or he is root.
func (j *JobsFolder) maySpeakFor(status int) bool {
	var from, to unix.Stat_t
	return unix.Fstat(j.held.FD, &from) == nil && unix.Fstat(status, &to) == nil && (from.Uid == 0 || from.Uid == to.Uid)
}

// mayHave says whether what is mounted as a status folder may be had.
func (j *JobsFolder) mayHave(status int) bool {
	mounted := hostfs.Held{FD: status}
	return j.may == nil || unix.Fstat(status, &mounted.Stat) == nil && j.may(mounted)
}
