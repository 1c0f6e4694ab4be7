package recordlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// segment is one file of the log.
type segment struct {
	number uint64
	path   string
	file   *os.File
	size   int64
	// live is how many values it holds that nothing replaced, liveBytes their size.
	live      int
	liveBytes int64
}

// segmentSize is when the next file begins: small enough that space is given back soon, large
// enough that a gigabyte is a hundred files.
const segmentSize = 8 << 20

const extension = ".log"

func segmentName(number uint64) string { return fmt.Sprintf("%016x%s", number, extension) }

// numberOf reads the name of a file; false where it is none of ours.
func numberOf(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, extension)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, err == nil
}

var errNotRegular = errors.New("not a regular file")

// openSegment opens a file that an earlier process left.
func openSegment(dir string, number uint64) (*segment, error) {
	path := filepath.Join(dir, segmentName(number))
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %q: %w", path, errNotRegular)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &segment{number: number, path: path, file: file, size: info.Size()}, nil
}

// createSegment makes a file of its own.
func createSegment(dir string, number uint64) (*segment, error) {
	path := filepath.Join(dir, segmentName(number))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return &segment{number: number, path: path, file: file}, nil
}

// frame is one transaction that a segment holds.
type frame struct {
	operations []described
	values     int64 // where its values begin
}

// scan hands the frames to visit, and returns how often it had to skip something.
func (s *segment) scan(visit func(frame)) (damaged int) {
	for at := int64(0); at < s.size; {
		f, next, err := s.readFrame(at)
		if err == nil {
			visit(f)
			at = next
			continue
		}
		damaged++
		if at, err = s.find(at + 1); err != nil {
			return damaged
		}
	}
	return damaged
}

var (
	errDamaged = errors.New("damaged")
	// errTorn: part of a frame is left, and the file cannot be used any more.
	errTorn = errors.New("a frame was written in part")
)

func (s *segment) readFrame(at int64) (f frame, next int64, err error) {
	header := make([]byte, headerSize)
	if _, err := s.file.ReadAt(header, at); err != nil {
		return frame{}, 0, err
	}
	description, values, ok := lengths(header)
	end := at + headerSize + int64(description) + int64(values)
	if !ok || end > s.size {
		return frame{}, 0, errDamaged
	}
	head := append(header, make([]byte, description)...)
	if _, err := s.file.ReadAt(head[headerSize:], at+headerSize); err != nil {
		return frame{}, 0, err
	}
	operations, ok := parseDescription(head, values)
	if !ok {
		return frame{}, 0, errDamaged
	}
	return frame{operations: operations, values: at + int64(len(head))}, end, nil
}

// find returns where the next frame may begin.
func (s *segment) find(from int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for at := from; at < s.size; {
		n, err := s.file.ReadAt(buf, at)
		if i := bytes.Index(buf[:n], magic); i >= 0 {
			return at + int64(i), nil
		}
		if err != nil || n < len(magic) {
			break
		}
		at += int64(n - len(magic) + 1)
	}
	return 0, io.EOF
}

// write appends, and leaves no half frame behind where it fails.
func (s *segment) write(data []byte) error {
	if _, err := s.file.WriteAt(data, s.size); err != nil {
		if s.file.Truncate(s.size) != nil {
			return fmt.Errorf("%w: %w", errTorn, err)
		}
		return err
	}
	s.size += int64(len(data))
	return nil
}

func (s *segment) remove() error { return errors.Join(s.file.Close(), os.Remove(s.path)) }
