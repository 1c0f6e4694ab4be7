package jobsdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// MaxJobFile bounds what is read of one file: a step takes 5.6 KB, so this is a batch of nearly
// 3,000.
const MaxJobFile = 16 << 20

// keptBuffer is what a file may have to be read in one go, into a buffer that is kept for the next
// read.
const keptBuffer = 256 << 10

// IsLarge says that a file takes so long to be understood that it matters.
func (s *FileStat) IsLarge() bool { return s.Size > keptBuffer }

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

// fstat is that of an open file.
func fstat(fd int) (FileStat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileStat{}, fmt.Errorf("stat: %w", err)
	}
	return fileStatOf(&st), nil
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

// Read has a regular file in an open folder understood, and returns the file stat that belongs to
// it. It follows no link and waits for no FIFO. What changes while it is read is ErrChanging,
// whatever was understood: FaceFusion truncates a file and writes it in pieces of 8 KiB, which
// takes up to 2 ms. A large file is not held as a whole.
func (r *Reader) Read(dir int, name string, understand func(text io.Reader) error) (FileStat, error) {
	r.Opened++
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
			err = ErrIrregular // a link; a socket or a device without a driver
		}
		return FileStat{}, fmt.Errorf("open job: %w", err)
	}
	defer unix.Close(fd)
	before, err := fstat(fd)
	switch {
	case err != nil:
		return FileStat{}, err
	case !before.Regular():
		return before, ErrIrregular
	case before.Size > MaxJobFile:
		return before, ErrTooLarge
	}
	text := &file{from: hostfs.Descriptor(fd), left: before.Size}
	understood := r.understand(text, before.Size, understand)
	if text.err != nil {
		return before, fmt.Errorf("read job: %w", text.err)
	}
	after, err := fstat(fd)
	if err != nil {
		return before, err
	}
	if after.Size != before.Size || after.MTime != before.MTime || text.short {
		return before, ErrChanging
	}
	return before, understood
}

// understand hands over the text: of a small file as it was in one moment.
func (r *Reader) understand(text *file, size int64, understand func(text io.Reader) error) error {
	if size > keptBuffer {
		return understand(text)
	}
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, max(size, 16<<10))
	}
	n, err := io.ReadFull(text, r.buf[:size])
	if err != nil && text.err == nil {
		return nil // it is shorter by now, and is not taken for what it says
	}
	return understand(bytes.NewReader(r.buf[:n]))
}

// file is the text of an open file, as long as it was.
type file struct {
	from  hostfs.Descriptor
	left  int64
	short bool
	err   error
}

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n, err := f.from.Read(b[:min(int64(len(b)), f.left)])
	switch {
	case errors.Is(err, io.EOF):
		f.short = true
	case err != nil:
		f.err = err
	}
	f.left -= int64(n)
	return n, err //nolint:wrapcheck // a reader's own
}
