package dirent

import (
	"bytes"
	"encoding/binary"
	"errors"
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
	// Kind is DT_REG and its like; DT_UNKNOWN where the filesystem does not tell.
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
