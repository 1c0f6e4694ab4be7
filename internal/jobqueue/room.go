package jobqueue

import (
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// What the jobs of all folders take together is bounded, as whoever may write to a folder may fill
// it, and may have many.
const (
	// maxFolderBytes is what one folder may take: 70,000 steps, or 11,000 jobs of one step that
	// wait, or 3,600 that run.
	maxFolderBytes = 32 << 20
	// maxPayerBytes is what the folders of one payer may take together.
	maxPayerBytes = 64 << 20
	// maxBytes is what all may take. The last half of it is for payers that have little.
	maxBytes    = 128 << 20
	littleBytes = 8 << 20
	// runPart is the part of each bound that is added for jobs that are known and have no more
	// steps than before: when a step starts, its paths are kept.
	runPart = 8

	// jobBytes, stepBytes and finishedBytes are about what a job takes beside its text, a step of
	// it, published and not, and what is remembered of a job that has ended; tombstoneBytes is the
	// same of one whose file has just gone.
	jobBytes       = 2400
	stepBytes      = 432
	finishedBytes  = 40
	tombstoneBytes = 160
	// runBytes is what a job takes more once it has been run: who can have the run, how it shows
	// progress, what is published and logged of each change. It is a generous figure, as everything
	// is made anew at each pass, and a host runs a few jobs at a time.
	runBytes = 6 << 10

	// readPerSecond is how much of large files is read for one payer: it takes a fifth of a core.
	readPerSecond, readAtOnce = 16 << 20, 32 << 20
)

// Why there is no room.
var (
	errFolderFull = errors.New("the jobs of the folder take more memory together than is kept of a folder")
	errPayerFull  = errors.New("the jobs of the user's folders take more memory together than is kept of a user")
	errAllFull    = errors.New("the jobs of all folders take more memory together than is kept")
)

// isFull says that there may be room at another time.
func isFull(err error) bool {
	return errors.Is(err, errFolderFull) || errors.Is(err, errPayerFull) || errors.Is(err, errAllFull)
}

// room is what the folders of a Watcher share. Their passes use it at the same time.
type room struct {
	mu     sync.Mutex
	payers map[string]*payer
	bytes  int64
}

// payer is who has folders: a user.
type payer struct {
	folders int
	bytes   int64
	reading *rate.Limiter
}

// counts is what the payer takes of the room of all: what escapes his own bound, whatever it is, is
// nobody else's.
func (p *payer) counts() int64 { return min(p.bytes, maxPayerBytes) }

// folderShare is what a folder has of the room.
type folderShare struct {
	room  *room
	name  string
	of    *payer
	bytes int64
}

func (r *room) enter(name string) *folderShare {
	s := &folderShare{room: r}
	s.move(name)
	return s
}

// move lets another payer have the folder.
func (s *folderShare) move(name string) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.of != nil && s.name == name {
		return
	}
	had := s.bytes
	s.leave()
	if r.payers == nil {
		r.payers = make(map[string]*payer)
	}
	if r.payers[name] == nil {
		r.payers[name] = &payer{reading: rate.NewLimiter(readPerSecond, readAtOnce)}
	}
	s.name, s.of = name, r.payers[name]
	s.of.folders++
	s.set(had)
}

// end gives back what the folder has.
func (s *folderShare) end() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.leave()
}

func (s *folderShare) leave() {
	if s.of == nil {
		return
	}
	s.set(0)
	if s.of.folders--; s.of.folders == 0 {
		delete(s.room.payers, s.name)
	}
	s.of = nil
}

func (s *folderShare) set(bytes int64) {
	before := s.of.counts()
	s.of.bytes += bytes - s.bytes
	s.room.bytes += s.of.counts() - before
	s.bytes = bytes
}

// fits notes what the folder has, and says why it must not have more.
func (s *folderShare) fits(has, more int64) error {
	return s.within(has, more, func(bound int64) int64 { return bound })
}

// fitsRun is fits for what a known job has more of while it runs.
func (s *folderShare) fitsRun(has, more int64) error {
	return s.within(has, more, func(bound int64) int64 { return bound + bound/runPart })
}

func (s *folderShare) within(has, more int64, upTo func(bound int64) int64) error {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.of == nil {
		return errAllFull // it is not observed any more
	}
	s.set(has)
	all := s.room.bytes + more
	switch {
	case has+more > upTo(maxFolderBytes):
		return errFolderFull
	case s.of.bytes+more > upTo(maxPayerBytes):
		return errPayerFull
	case all > upTo(maxBytes), all > upTo(maxBytes/2) && s.of.bytes+more > upTo(littleBytes):
		return errAllFull
	}
	return nil
}

// mayRead says whether a large file may be read now.
func (s *folderShare) mayRead(size int64, now time.Time) bool {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	return s.of != nil && s.of.reading.AllowN(now, int(size))
}

// bytes is about what is kept of a folder.
func (f *jobsFolder) bytes() int64 {
	remembered := f.concluded.count
	for i := range f.dirs {
		remembered += f.dirs[i].finished.count + len(f.dirs[i].irregular.known)
	}
	return int64(len(f.jobs))*jobBytes + f.kept + int64(remembered)*finishedBytes + int64(len(f.tombstones))*tombstoneBytes
}

// keep accounts for what a job's file says, unless there is no room for it.
func (f *jobsFolder) keep(j *job, doc *jobfile.Document) error {
	size := j.sizeOf(doc)
	if size > j.kept {
		fits := f.share.fits
		if f.dirs[j.dir].Terminal() || j.kept > 0 && len(doc.Steps) <= len(j.doc.Steps) {
			// it is forgotten at once, or would be unreadable from its start on
			fits = f.share.fitsRun
		}
		if err := fits(f.bytes(), size-j.kept); err != nil {
			return err
		}
	}
	f.kept += size - j.kept
	j.kept = size
	return nil
}

func sizeOf(steps, text int) int64 { return int64(steps)*stepBytes + int64(text) }

// sizeOf is about what a job takes that says this, beside jobBytes.
func (j *job) sizeOf(doc *jobfile.Document) int64 {
	size := sizeOf(len(doc.Steps), doc.Text)
	if j.dir == jobsdir.Queued && slices.ContainsFunc(doc.Steps, func(s jobfile.PlannedStep) bool { return s.Status == jobfile.StatusStarted || s.Status.Ended() }) {
		size += runBytes
	}
	return size
}

// forget is for a job that goes.
func (f *jobsFolder) forget(j *job) {
	f.kept -= j.kept
	j.kept = 0
}
