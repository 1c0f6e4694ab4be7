package dirent

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Layout of struct linux_dirent64, https://man7.org/linux/man-pages/man2/getdents.2.html: d_ino,
// d_off, d_reclen, d_type, then the name, which ends with NUL.
const (
	next   = 8
	length = 16
	kind   = 18
	name   = 19
)

// DirEntry is one name of a folder.
type DirEntry struct {
	// Name shares the buffer's bytes: it is good until the buffer is filled again.
	Name []byte
	Ino  uint64
	// Next is the position in the folder of the entry after this one, for lseek(2).
	Next int64
	// Kind is DT_REG and its like; DT_UNKNOWN where the filesystem does not report it.
	Kind uint8
}

// errLayout says that the buffer is not what getdents writes.
var errLayout = errors.New("an entry of the folder ends outside of the kernel's answer")

// First takes the first entry out of the bytes that getdents wrote, and returns the bytes after it.
func First(buf []byte) (DirEntry, []byte, error) {
	if len(buf) <= name {
		return DirEntry{}, nil, errLayout
	}
	size := int(binary.NativeEndian.Uint16(buf[length:]))
	if size <= name || size > len(buf) {
		return DirEntry{}, nil, errLayout
	}
	e := DirEntry{
		Name: buf[name:size],
		Ino:  binary.NativeEndian.Uint64(buf),
		Next: int64(binary.NativeEndian.Uint64(buf[next:])),
		Kind: buf[kind],
	}
	if end := bytes.IndexByte(e.Name, 0); end >= 0 {
		e.Name = e.Name[:end]
	}
	return e, buf[size:], nil
}

// Read fills buf once from the open folder fd, which goes on where the call before ended, and hands
// each entry to visit until that has enough. It says whether there may be more. The error is the
// kernel's, or that it answered with something else than entries.
func Read(fd int, buf []byte, visit func(DirEntry) bool) (more bool, err error) {
	n, err := unix.Getdents(fd, buf)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Getdents(fd, buf)
	}
	if err != nil {
		return false, err //nolint:wrapcheck // the caller knows which folder it is
	}
	for rest := buf[:n]; len(rest) > 0; {
		var e DirEntry
		if e, rest, err = First(rest); err != nil {
			return false, err
		}
		if !visit(e) {
			return false, nil
		}
	}
	return n > 0, nil
}
