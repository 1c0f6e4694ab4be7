package jobsdir

import (
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
)

// Names are the four folders of a jobs folder.
var Names = [...]string{"drafted", "queued", "completed", "failed"}

// The indexes of Names.
const (
	Drafted = iota
	Queued
	Completed
	Failed
)

// Dir is one of the four folders.
type Dir struct {
	Index int
	// fd is open during a pass: all of a pass means the same folder, whatever is done to its name.
	// It is closed between passes, so that the file system can be unmounted; -1 while it is not
	// open.
	fd int
	// Stat identifies the folder, and mtime is when a name last came or went; zero while there is
	// no folder.
	Stat  FileStat
	mtime int64
	// listing is under way; nil where none is. It began at listingMtime, and listingTook until now.
	listing      *listing
	listingMtime int64
	listingTook  time.Duration
	// listedMtime is the mtime that the last complete listing began with, listedAt when that was,
	// cost what it took.
	listedMtime int64
	ListedAt    time.Time
	Cost        time.Duration
	// Stale says that a listing is needed whatever mtime says.
	Stale bool
	// remote says that hints may be missing without a word. IsRemote finds that out of an open
	// folder; a test replaces it.
	remote   bool
	IsRemote func(fd int) bool
	// Baseline says that the folder is new here, and was not listed to the end yet.
	Baseline bool
	// changed says that names came or went since the pass before, unexplained that no hint has said
	// so far which.
	changed, unexplained bool
	// Watched is the path by which the hinter watches it; empty where it does not. triedAt is when
	// that was last tried.
	Watched string
	TriedAt time.Time
	// Generation counts listings, so that a name can be seen to have gone.
	Generation uint32
}

// Terminal status folders hold jobs that have ended.
func (d *Dir) Terminal() bool { return d.Index == Completed || d.Index == Failed }

// Path of the status folder within a jobs folder.
func (d *Dir) Path(folder string) string { return filepath.Join(folder, Names[d.Index]) }

const (
	// listShare is how much of the time may go into listing: one status folder in 50.
	listShare = 50
	// cheap is a listing that needs no hint to be spared.
	cheap = time.Millisecond
	// trustHints is how long inotify alone is trusted for a folder that is expensive to list.
	trustHints = 24 * time.Hour
	// ClockStep is the coarsest step of the kernel's clock for files (CONFIG_HZ=100), and some:
	// what changed so lately may change again without a later time.
	ClockStep = 15 * time.Millisecond
)

// NewDir makes a Dir that is not open.
func NewDir(index int) Dir { return Dir{Index: index, fd: -1, IsRemote: isRemote} }

// Open opens the folder for a pass. It notices that the folder is another one (replaced), or that
// names came or went.
func (d *Dir) Open(jobs *JobsFolder) (replaced bool, err error) {
	d.Close()
	fd, err := jobs.openStatusFolder(Names[d.Index])
	if err != nil {
		return false, err
	}
	return d.take(fd)
}

func (d *Dir) take(fd int) (replaced bool, err error) {
	st, err := fstat(fd)
	if err != nil {
		unix.Close(fd)
		return false, err
	}
	d.fd = fd
	if !st.Same(&d.Stat) {
		d.Abandon()
		d.Stale, replaced = true, true
		d.remote, d.Baseline = d.IsRemote(fd), true
	}
	d.changed = st.MTime != d.mtime
	d.Stat, d.mtime = st, st.MTime
	return replaced, nil
}

// Close ends a pass. It may be called twice.
func (d *Dir) Close() {
	if d.fd >= 0 {
		unix.Close(d.fd)
		d.fd = -1
	}
}

// Lstat of a name in the folder.
func (d *Dir) Lstat(name string) (FileStat, error) {
	if d.fd < 0 {
		return FileStat{}, unix.ENOENT
	}
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return FileStat{}, err
	}
	return fileStatOf(&st), nil
}

// Read has the file of that name understood.
func (d *Dir) Read(r *Reader, name string, understand func(text io.Reader) error) (FileStat, error) {
	if d.fd < 0 {
		return FileStat{}, unix.ENOENT
	}
	return r.Read(d.fd, name, understand)
}

// Remote says that other hosts may use the folder.
func (d *Dir) Remote() bool { return d.remote }

// Explain says whether hints named what came or went. Hints come a moment after the change, so they
// have until the next pass.
func (d *Dir) Explain(explained bool) {
	switch {
	case explained:
		d.unexplained = false
	case d.unexplained || d.changed && d.Watched == "":
		d.Stale, d.unexplained = true, false
	default:
		d.unexplained = d.changed
	}
}

// Due says whether a listing should begin.
func (d *Dir) Due(now time.Time) bool {
	since := now.Sub(d.ListedAt)
	switch {
	case d.listing != nil:
		return true
	case !d.Stale && d.mtime == d.listedMtime:
		return false // nothing came or went
	case d.ListedAt.IsZero() || since < 0:
		return true
	case d.Stale || d.remote || d.Cost < cheap:
		return since >= listShare*d.Cost
	default:
		return since >= trustHints
	}
}

// List lists for a while, and says whether it is through.
func (d *Dir) List(now time.Time, deadline time.Time, visit func(dirent.DirEntry)) (done bool, err error) {
	if d.listing == nil {
		if d.listing, err = openListing(d.fd); err != nil {
			return false, err
		}
		d.Generation++
		d.listingMtime, d.listingTook = d.mtime, 0
		if now.UnixNano()-d.mtime < int64(ClockStep) {
			d.listingMtime = 0
		}
		d.Stale = false
	}
	begin := time.Now()
	for more := true; more; {
		if more, err = d.listing.next(visit); err != nil {
			d.Abandon()
			d.Stale = true
			return false, err
		}
		if more && time.Now().After(deadline) {
			d.listingTook += time.Since(begin)
			return false, nil
		}
	}
	d.Baseline = false
	d.Cost = d.listingTook + time.Since(begin)
	d.listedMtime, d.ListedAt = d.listingMtime, now
	d.Abandon()
	return true, nil
}

// Listing says that a listing is under way.
func (d *Dir) Listing() bool { return d.listing != nil }

// Forget is for a folder that is gone.
func (d *Dir) Forget() { d.Stat, d.mtime = FileStat{}, 0 }

// Abandon ends a listing that is under way.
func (d *Dir) Abandon() {
	if d.listing != nil {
		d.listing.close()
		d.listing = nil
	}
}
