package process

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
)

// pidEntry is one process folder of /proc.
//
// The inode tells a reused pid: the kernel makes a new one for each process, and drops the folder's
// dentry when the process ends. It may also change while the process lives, when the dentry was
// evicted for lack of memory; then the process is merely judged once more.
type pidEntry struct {
	pid   int
	inode uint64
}

// pidListing reads the process folders with getdents: thousands of them, of which all but a few are
// known, so not even a string is made of a name.
type pidListing struct {
	path    string
	buf     []byte
	entries []pidEntry
	// seek is what to add to a pid for its position in the folder, 0 while positions are not known
	// to follow pids.
	seek int64
}

// errNoProcess says that the folder holds no process at all: a /proc that is not mounted (any
// longer), as at least the reader itself is always listed.
var errNoProcess = errors.New("no process is listed, is proc mounted there?")

// all returns all processes, in the order of the kernel. The slice is valid until the next call.
func (l *pidListing) all() ([]pidEntry, error) {
	if l.buf == nil {
		l.buf = make([]byte, 64<<10) // about 2,000 processes for each call of the kernel
	}
	order := positions{}
	err := l.read(0, len(l.buf), func(e pidEntry, next int64) bool {
		order.add(e.pid, next)
		return true
	})
	if err != nil {
		return nil, err
	}
	if len(l.entries) == 0 {
		return nil, fmt.Errorf("list processes in %q: %w", l.path, errNoProcess)
	}
	l.seek = order.seek()
	return l.entries, nil
}

// between returns the processes with first <= pid <= last; false where the folder cannot be entered
// at a pid.
func (l *pidListing) between(first, last int) ([]pidEntry, bool, error) {
	if l.seek == 0 {
		return nil, false, nil
	}
	// Enough for all of them and one more; the kernel would go on with what comes after.
	size := min(len(l.buf), (last-first+2)*32)
	err := l.read(int64(first)+l.seek, size, func(e pidEntry, _ int64) bool { return e.pid < last })
	if n := len(l.entries); n > 0 && l.entries[n-1].pid > last {
		l.entries = l.entries[:n-1]
	}
	return l.entries, err == nil, err
}

// read collects the entries of processes from a position on, until more says that there are enough.
// more gets the position of the next entry.
func (l *pidListing) read(position int64, size int, more func(e pidEntry, next int64) bool) error {
	l.entries = l.entries[:0]
	fd, err := unix.Open(l.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("list processes: %w", &os.PathError{Op: "open", Path: l.path, Err: err})
	}
	defer unix.Close(fd)
	if position != 0 {
		if _, err := unix.Seek(fd, position, io.SeekStart); err != nil {
			return fmt.Errorf("list processes: %w", &os.PathError{Op: "seek", Path: l.path, Err: err})
		}
	}
	for goOn := true; goOn; {
		goOn, err = dirent.Read(fd, l.buf[:size], func(e dirent.DirEntry) bool {
			pid := parsePID(e.Name)
			if pid <= 0 {
				return true
			}
			l.entries = append(l.entries, pidEntry{pid: pid, inode: e.Ino})
			return more(l.entries[len(l.entries)-1], e.Next)
		})
		if err != nil {
			return fmt.Errorf("list processes: %w", &os.PathError{Op: "getdents", Path: l.path, Err: err})
		}
	}
	return nil
}

// positions learns how the positions in the folder relate to pids. The kernel's /proc has a process
// at its pid plus a constant, which is not documented, so it is measured:
// https://elixir.bootlin.com/linux/v6.18/source/fs/proc/base.c, proc_pid_readdir. An entry holds
// the position of the next one.
type positions struct {
	pid   int // of the last entry
	next  int64
	delta int64
	mixed bool
}

func (p *positions) add(pid int, next int64) {
	if p.pid != 0 {
		delta := p.next - int64(pid)
		p.mixed = p.mixed || pid <= p.pid || p.delta != 0 && p.delta != delta
		p.delta = delta
	}
	p.pid, p.next = pid, next
}

func (p *positions) seek() int64 {
	if p.mixed || p.delta < 0 {
		return 0
	}
	return p.delta
}

// parsePID reads a name that is a number; anything else is 0.
func parsePID(name []byte) int {
	pid := 0
	for i, c := range name {
		if c < '0' || c > '9' || i > 9 {
			return 0
		}
		pid = pid*10 + int(c-'0')
	}
	return pid
}
