package jobsdir

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// MaxJobFile bounds what is read of one file: a step takes 5.6 KB, so this is a batch of nearly
// 3,000.
const MaxJobFile = 16 << 20

// keptBuffer bounds what is kept for the next read.
const keptBuffer = 256 << 10

// Why a file was not read.
var (
	ErrIrregular = errors.New("not a regular file")
	ErrTooLarge  = errors.New("larger than any job")
	ErrChanging  = errors.New("changed while it was read")
)

// FileStat is by what a file is known not to have changed.
type FileStat struct {
	Dev, Ino     uint64
	Size         int64
	MTime, CTime int64 // nanoseconds since 1970
	Mode         uint32
}

// Regular says that it is a regular file.
func (s *FileStat) Regular() bool { return s.Mode&unix.S_IFMT == unix.S_IFREG }

// IsDir says that it is a folder.
func (s *FileStat) IsDir() bool { return s.Mode&unix.S_IFMT == unix.S_IFDIR }

// Same says that both are of one file.
func (s *FileStat) Same(other *FileStat) bool { return s.Ino == other.Ino && s.Dev == other.Dev }

// Written is when the file was last written.
func (s *FileStat) Written() time.Time { return time.Unix(0, s.MTime) }

// Moved is when the file came to its folder. A rename changes the ctime and not the mtime. A chmod
// does so as well, so a ctime is only evidence for a file that was not seen before. A ctime before
// the mtime or in the future comes from a filesystem without ctimes or from another clock, and is
// ignored.
func (s *FileStat) Moved(now time.Time) time.Time {
	if s.CTime < s.MTime || s.CTime > now.Add(time.Second).UnixNano() {
		return s.Written()
	}
	return time.Unix(0, s.CTime)
}

func fileStatOf(st *unix.Stat_t) FileStat {
	return FileStat{Dev: uint64(st.Dev), Ino: st.Ino, Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(), Mode: st.Mode}
}

// Stat of a path, whose links are followed within the root of its processes.
func Stat(files *hostfs.Root, path string) (FileStat, error) {
	st, err := files.Stat(path)
	if err != nil {
		return FileStat{}, err
	}
	return fileStatOf(&st), nil
}

// Reader reads small files into a buffer of its own, which the next read overwrites.
type Reader struct {
	buf []byte
	// Opened counts, for the tests of what is not opened.
	Opened uint64
}

// Read returns the text of a regular file in an open folder and the file stat that belongs to it.
// It follows no link and waits for no FIFO. What changes while it is read is errChanging:
// FaceFusion truncates a file and writes it in pieces of 8 KiB, which takes up to 2 ms.
func (r *Reader) Read(dir int, name string) ([]byte, FileStat, error) {
	r.Opened++
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
			err = ErrIrregular // a link; a socket or a device without a driver
		}
		return nil, FileStat{}, fmt.Errorf("open job: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, FileStat{}, fmt.Errorf("stat job: %w", err)
	}
	before := fileStatOf(&st)
	switch {
	case !before.Regular():
		return nil, before, ErrIrregular
	case before.Size > MaxJobFile:
		return nil, before, ErrTooLarge
	}
	text, err := r.fill(fd, int(before.Size))
	if err != nil {
		return nil, before, fmt.Errorf("read job: %w", err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, before, fmt.Errorf("stat job: %w", err)
	}
	if after := fileStatOf(&st); after.Size != before.Size || after.MTime != before.MTime || int64(len(text)) != before.Size {
		return nil, before, ErrChanging
	}
	return text, before, nil
}

// fill reads size bytes, or what there is of them.
func (r *Reader) fill(fd, size int) ([]byte, error) {
	buf := r.buf
	if cap(buf) < size {
		buf = make([]byte, max(size, 16<<10))
	}
	if cap(buf) <= keptBuffer {
		r.buf = buf
	}
	buf = buf[:size]
	for have := 0; ; {
		n, err := unix.Read(fd, buf[have:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		}
		have += n
		if n == 0 || have == size {
			return buf[:have], nil
		}
	}
}
