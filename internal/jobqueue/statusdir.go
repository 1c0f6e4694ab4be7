package jobqueue

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// statusDirNames are the four folders of a jobs folder.
var statusDirNames = [...]string{"drafted", "queued", "completed", "failed"}

const (
	dirDrafted = iota
	dirQueued
	dirCompleted
	dirFailed
)

// statusDir is one of the four folders.
type statusDir struct {
	index int
	// stat identifies the folder, and mtime is when a name last came or went; zero while there is no folder.
	stat  fileStat
	mtime int64
	// listing is under way; nil where none is. It began at listingMtime, and listingTook until now.
	listing      *listing
	listingMtime int64
	listingTook  time.Duration
	// listedMtime is the mtime that the last complete listing began with, listedAt when that was, cost what it took.
	listedMtime int64
	listedAt    time.Time
	cost        time.Duration
	// stale says that a listing is needed whatever mtime says.
	stale bool
	// remote says that hints may be missing without a word.
	remote bool
	// changed says that names came or went since the pass before, unexplained that no hint has said so far which.
	changed, unexplained bool
	// watched is the path by which the hinter watches it; empty where it does not. triedAt is when that was last tried.
	watched string
	triedAt time.Time
	// generation counts listings, so that a name can be seen to have gone.
	generation uint32
	// finished are the jobs that need not be looked at any more, by the hash of their name, and irregular what is no regular file.
	// They are what grows with the history of a host: hence no strings and no pointers.
	finished  archive
	irregular map[uint64]uint32 // generation
}

// terminal status folders hold jobs that have ended.
func (d *statusDir) terminal() bool { return d.index == dirCompleted || d.index == dirFailed }

// state is that of all jobs in a terminal status folder.
func (d *statusDir) state() State {
	if d.index == dirFailed {
		return StateFailed
	}
	return StateCompleted
}

func (d *statusDir) path(folder string) string { return filepath.Join(folder, statusDirNames[d.index]) }

const (
	// listShare is how much of the time may go into listing: one status folder in 50.
	listShare = 50
	// cheap is a listing that needs no hint to be spared.
	cheap = time.Millisecond
	// trustHints is for how long hints alone are believed about a folder that is dear to list.
	trustHints = 24 * time.Hour
	// racy is the coarsest step of the kernel's clock for files (CONFIG_HZ=100), and some: what changed so lately may change again without a later time.
	racy = 15 * time.Millisecond
)

// restat notices that the folder is another one (replaced), or that names came or went.
func (d *statusDir) restat(folder string) (replaced bool, err error) {
	st, err := stat(d.path(folder))
	if err == nil && st.mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return false, err
	}
	if !st.same(&d.stat) {
		d.abandon()
		d.stale, replaced = true, true
		d.remote = isRemote(d.path(folder))
	}
	d.changed = st.mtime != d.mtime
	d.stat, d.mtime = st, st.mtime
	return replaced, nil
}

// explain says whether hints named what came or went. Hints come a moment after the change, so they have until the next pass.
func (d *statusDir) explain(explained bool) {
	switch {
	case explained:
		d.unexplained = false
	case d.unexplained || d.changed && d.watched == "":
		d.stale, d.unexplained = true, false
	default:
		d.unexplained = d.changed
	}
}

// due says whether a listing should begin.
func (d *statusDir) due(now time.Time) bool {
	since := now.Sub(d.listedAt)
	switch {
	case d.listing != nil:
		return true
	case !d.stale && d.mtime == d.listedMtime:
		return false // nothing came or went
	case d.listedAt.IsZero() || since < 0:
		return true
	case d.stale || d.remote || d.cost < cheap:
		return since >= listShare*d.cost
	default:
		return since >= trustHints
	}
}

// listSome lists for a while, and says whether it is through.
func (d *statusDir) listSome(folder string, now time.Time, deadline time.Time, visit func(listed)) (done bool, err error) {
	if d.listing == nil {
		if d.listing, err = openListing(d.path(folder)); err != nil {
			return false, err
		}
		d.generation++
		d.listingMtime, d.listingTook = d.mtime, 0
		if now.UnixNano()-d.mtime < int64(racy) {
			d.listingMtime = 0
		}
		d.stale = false
	}
	begin := time.Now()
	for more := true; more; {
		if more, err = d.listing.next(visit); err != nil {
			d.abandon()
			d.stale = true
			return false, err
		}
		if more && time.Now().After(deadline) {
			d.listingTook += time.Since(begin)
			return false, nil
		}
	}
	d.cost = d.listingTook + time.Since(begin)
	d.listedMtime, d.listedAt = d.listingMtime, now
	d.abandon()
	return true, nil
}

// abandon ends a listing that is under way.
func (d *statusDir) abandon() {
	if d.listing != nil {
		d.listing.close()
		d.listing = nil
	}
}
