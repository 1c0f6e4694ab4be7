package jobqueue

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// maxJobFile bounds what is read of one file: a step takes 5.6 KB, so this is a batch of nearly 3,000.
const maxJobFile = 16 << 20

// keptBuffer bounds what is kept for the next read.
const keptBuffer = 256 << 10

var (
	errIrregular = errors.New("not a regular file")
	errTooLarge  = errors.New("larger than any job")
	errChanging  = errors.New("changed while it was read")
)

// fileStat is by what a file is known not to have changed.
type fileStat struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // nanoseconds since 1970
	mode         uint32
}

func (s *fileStat) regular() bool { return s.mode&unix.S_IFMT == unix.S_IFREG }

func (s *fileStat) same(other *fileStat) bool { return s.ino == other.ino && s.dev == other.dev }

// written is when the file was last written.
func (s *fileStat) written() time.Time { return time.Unix(0, s.mtime) }

// moved is when the file came to where it is. A rename changes the ctime and not the mtime; so does a chmod, for which it must be seen before.
// A ctime that makes no sense is that of a filesystem that keeps none, or of another clock.
func (s *fileStat) moved(now time.Time) time.Time {
	if s.ctime < s.mtime || s.ctime > now.Add(time.Second).UnixNano() {
		return s.written()
	}
	return time.Unix(0, s.ctime)
}

func fileStatOf(st *unix.Stat_t) fileStat {
	return fileStat{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(), mode: st.Mode}
}

func lstat(path string) (fileStat, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileStat{}, err
	}
	return fileStatOf(&st), nil
}

func stat(path string) (fileStat, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fileStat{}, err
	}
	return fileStatOf(&st), nil
}

// reader reads small files into a buffer of its own, which the next read overwrites.
type reader struct {
	buf []byte
	// opened counts, for the tests of what is not opened.
	opened uint64
}

// read returns the text of a regular file and the file stat that belongs to it. It follows no link and waits for no FIFO. What changes while it is read is
// errChanging: FaceFusion truncates a file and writes it in pieces of 8 KiB, which takes up to 2 ms.
func (r *reader) read(path string) ([]byte, fileStat, error) {
	r.opened++
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
			err = errIrregular // a link; a socket or a device without a driver
		}
		return nil, fileStat{}, fmt.Errorf("open job: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fileStat{}, fmt.Errorf("stat job: %w", err)
	}
	before := fileStatOf(&st)
	switch {
	case !before.regular():
		return nil, before, errIrregular
	case before.size > maxJobFile:
		return nil, before, errTooLarge
	}
	text, err := r.fill(fd, int(before.size))
	if err != nil {
		return nil, before, fmt.Errorf("read job: %w", err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, before, fmt.Errorf("stat job: %w", err)
	}
	if after := fileStatOf(&st); after.size != before.size || after.mtime != before.mtime || int64(len(text)) != before.size {
		return nil, before, errChanging
	}
	return text, before, nil
}

// fill reads size bytes, or what there is of them.
func (r *reader) fill(fd, size int) ([]byte, error) {
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
