package recordlog

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Options of a Journal. Zero values mean the defaults.
type Options struct {
	// MaxMemory bounds what is kept in memory while the disk takes no writes.
	MaxMemory int64
	// AllOrNothing forgets everything where something is damaged: values that belong together would
	// say what is not so if one of them were missing.
	AllOrNothing bool
	// Sync has each write wait for the disk, so that a power cut loses nothing.
	Sync bool
}

const (
	defaultMaxMemory = 32 << 20
	// retryEvery is how often a write is tried again that failed.
	retryEvery = time.Second
)

// The reasons why state is not on disk.
var (
	// ErrFull: the disk takes no writes, and there is no more room in memory.
	ErrFull = errors.New("the disk takes no writes, and what is kept in memory has reached its bound")
	// ErrInUse: another process uses the folder.
	ErrInUse = errors.New("another process uses the folder")
	// ErrClosed: the Journal was closed.
	ErrClosed = errors.New("the journal is closed")
)

// Journal is a folder of named values. Any goroutine may use it.
type Journal struct {
	dir     string
	options Options

	mu     sync.Mutex
	closed bool
	folder *os.File // locked; nil while it cannot be opened
	// segments in their order; the last is written to, if active.
	segments []*segment
	active   bool
	next     uint64
	index    map[string]location
	// pending are the changes that are in memory alone, in their order of keys; a nil value
	// deletes.
	pending      map[string][]byte
	pendingBytes int64
	// err is why there are any, and failedAt since when that was last tried.
	err      error
	failedAt time.Time
	damaged  int
}

// location is where a value is.
type location struct {
	segment  *segment
	offset   int64
	size     int
	checksum uint32
}

// Open opens the folder, or makes it. It never fails: see Status.
func Open(dir string, o Options) *Journal {
	o.MaxMemory = cmp.Or(o.MaxMemory, defaultMaxMemory)
	l := &Journal{dir: dir, options: o, index: make(map[string]location), pending: make(map[string][]byte)}
	if err := l.open(); err != nil {
		l.fail(err)
	}
	return l
}

// open reads what there is.
func (l *Journal) open() error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	folder, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		folder.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return fmt.Errorf("lock %q: %w", l.dir, err)
	}
	names, err := folder.Readdirnames(-1)
	if err != nil {
		folder.Close()
		return err
	}
	l.folder = folder
	var numbers []uint64
	for _, name := range names {
		if number, ok := numberOf(name); ok {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		l.next = number + 1
		s, err := openSegment(l.dir, number)
		if err != nil {
			l.damaged++ // it cannot be read; it stays for whoever wants to look at it
			continue
		}
		l.segments = append(l.segments, s)
		l.damaged += s.scan(func(f frame) { l.replay(s, f) })
	}
	if l.options.AllOrNothing && !l.sound() {
		l.discard()
	}
	l.reclaim()
	return nil
}

// sound reads every value.
func (l *Journal) sound() bool {
	for key := range l.index {
		l.value(key)
	}
	return l.damaged == 0
}

// discard forgets everything that is on disk.
func (l *Journal) discard() {
	for _, s := range l.segments {
		s.live, s.liveBytes = 0, 0
	}
	clear(l.index)
}

// replay takes over what a frame says.
func (l *Journal) replay(s *segment, f frame) {
	for _, d := range f.operations {
		l.forget(d.key)
		if d.kind == kindSet {
			l.locate(d.key, location{segment: s, offset: f.values + d.offset, size: d.size, checksum: d.checksum})
		}
	}
}

func (l *Journal) locate(key string, at location) {
	at.segment.live++
	at.segment.liveBytes += int64(at.size)
	l.index[key] = at
}

func (l *Journal) forget(key string) {
	if at, ok := l.index[key]; ok {
		at.segment.live--
		at.segment.liveBytes -= int64(at.size)
		delete(l.index, key)
	}
}

// JournalStatus says how a Journal is.
type JournalStatus struct {
	// Err is why changes are in memory alone; nil when all of them are on disk.
	Err error
	// Damaged counts what was skipped: frames, values and files.
	Damaged int
	// Bytes is the size of the files, Pending what waits in memory.
	Bytes, Pending int64
}

// Status of the Journal.
func (l *Journal) Status() JournalStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := JournalStatus{Err: l.err, Damaged: l.damaged, Pending: l.pendingBytes}
	for _, seg := range l.segments {
		s.Bytes += seg.size
	}
	return s
}

// Get returns a value; nil where there is none, or where it is damaged.
func (l *Journal) Get(key string) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value(key)
}

func (l *Journal) value(key string) []byte {
	if value, ok := l.pending[key]; ok {
		return slices.Clone(value)
	}
	at, ok := l.index[key]
	if !ok {
		return nil
	}
	value := make([]byte, at.size)
	if _, err := at.segment.file.ReadAt(value, at.offset); err != nil || checksum(value) != at.checksum {
		l.damaged++
		l.forget(key)
		return nil
	}
	return value
}

// Operation is one operation of Apply. A nil Value deletes the key.
type Operation struct {
	Key   string
	Value []byte
}

// Apply makes all changes, or none. An error says that they were not made, not even in memory.
func (l *Journal) Apply(changes []Operation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if len(changes) == 0 {
		return nil
	}
	var added int64
	for _, c := range changes {
		added += int64(len(c.Key) + len(c.Value) - len(l.pending[c.Key]))
	}
	if l.err != nil && added > 0 && l.pendingBytes+added > l.options.MaxMemory {
		if l.flush(); l.err != nil {
			return fmt.Errorf("%w: %w", ErrFull, l.err)
		}
	}
	for _, c := range changes {
		l.hold(c)
	}
	l.flush()
	return nil
}

// hold keeps a change in memory.
func (l *Journal) hold(c Operation) {
	if old, ok := l.pending[c.Key]; ok {
		l.pendingBytes -= int64(len(c.Key) + len(old))
	}
	value := c.Value
	if value != nil {
		value = append(make([]byte, 0, len(value)), value...) // not nil, also when it is empty
	}
	l.pending[c.Key] = value
	l.pendingBytes += int64(len(c.Key) + len(value))
}

// flush writes what is in memory alone, unless that failed a moment ago.
func (l *Journal) flush() {
	if l.err != nil && time.Since(l.failedAt) < retryEvery {
		l.dropDeleted()
		return
	}
	if err := l.write(); err != nil {
		l.fail(err)
		l.dropDeleted()
		return
	}
	l.err = nil
	l.reclaim()
}

func (l *Journal) fail(err error) { l.err, l.failedAt = err, time.Now() }

// dropDeleted gives the space of deleted values back although the deletion cannot be written: it
// may be what the disk lacks. A process that dies now may see them again.
func (l *Journal) dropDeleted() {
	for key, value := range l.pending {
		if value == nil {
			l.forget(key)
		}
	}
	l.reclaim()
}

// write appends the pending changes as one frame.
func (l *Journal) write() error {
	if len(l.pending) == 0 {
		return nil
	}
	if l.folder == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	changes := make([]Operation, 0, len(l.pending))
	for key, value := range l.pending {
		changes = append(changes, Operation{key, value})
	}
	if err := l.append(changes); err != nil {
		return err
	}
	clear(l.pending)
	l.pendingBytes = 0
	return nil
}

// append writes one frame and takes it over.
func (l *Journal) append(changes []Operation) error {
	s, err := l.writable()
	if err != nil {
		return err
	}
	data, values := appendFrame(nil, changes)
	begin := s.size
	if err := s.write(data); err != nil {
		l.active = !errors.Is(err, errTorn)
		return err
	}
	if l.options.Sync {
		if err := unix.Fdatasync(int(s.file.Fd())); err != nil {
			return err
		}
	}
	offset := begin + int64(values)
	for _, c := range changes {
		l.forget(c.Key)
		if c.Value != nil {
			l.locate(c.Key, location{segment: s, offset: offset, size: len(c.Value), checksum: checksum(c.Value)})
		}
		offset += int64(len(c.Value))
	}
	return nil
}

// writable returns the segment to write to. A process never writes to a file of another one.
func (l *Journal) writable() (*segment, error) {
	if n := len(l.segments); l.active && l.segments[n-1].size < segmentSize {
		return l.segments[n-1], nil
	}
	s, err := createSegment(l.dir, l.next)
	if err != nil {
		return nil, err
	}
	l.next++
	l.segments, l.active = append(l.segments, s), true
	return s, nil
}

// Close writes what it can and lets go of the files. It may be called twice.
func (l *Journal) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	errs := l.write()
	for _, s := range l.segments {
		errs = errors.Join(errs, s.file.Close())
	}
	if l.folder != nil {
		errs = errors.Join(errs, l.folder.Close())
	}
	return errs
}
