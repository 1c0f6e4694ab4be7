package jobqueue

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// partNames are the four folders of a jobs folder.
var partNames = [...]string{"drafted", "queued", "completed", "failed"}

const (
	partDrafted = iota
	partQueued
	partCompleted
	partFailed
)

// part is one of the four folders.
type part struct {
	index int
	// dir identifies the folder, and mtime is when a name last came or went; zero while there is no folder.
	dir   stamp
	mtime int64
	// listing is under way; nil where none is. It began at listingMtime, and listingTook until now.
	listing      *listing
	listingMtime int64
	listingTook  time.Duration
	// listed is the mtime that the last complete listing began with, listedAt when that was, cost what it took.
	listed   int64
	listedAt time.Time
	cost     time.Duration
	// stale says that a listing is needed whatever mtime says.
	stale bool
	// remote says that hints may be missing without a word.
	remote bool
	// changed says that names came or went since the look before, unexplained that no hint has said so far which.
	changed, unexplained bool
	// watched is the path by which the hinter watches it; empty where it does not. triedAt is when that was last tried.
	watched string
	triedAt time.Time
	// generation counts listings, so that a name can be seen to have gone.
	generation uint32
	// finished are the jobs that need not be looked at any more, by the hash of their name, and odd what is no regular file.
	// They are what grows with the history of a host: hence no strings and no pointers.
	finished archive
	odd      map[uint64]uint32 // generation
}

// terminal parts hold jobs that have ended.
func (p *part) terminal() bool { return p.index == partCompleted || p.index == partFailed }

// state is that of all jobs in a terminal part.
func (p *part) state() State {
	if p.index == partFailed {
		return StateFailed
	}
	return StateCompleted
}

func (p *part) path(folder string) string { return filepath.Join(folder, partNames[p.index]) }

const (
	// listShare is how much of the time may go into listing: one part in 50.
	listShare = 50
	// cheap is a listing that needs no hint to be spared.
	cheap = time.Millisecond
	// trustHints is for how long hints alone are believed about a folder that is dear to list.
	trustHints = 24 * time.Hour
	// racy is the coarsest step of the kernel's clock for files (CONFIG_HZ=100), and some: what changed so lately may change again without a later time.
	racy = 15 * time.Millisecond
)

// stat notices that the folder is another one (replaced), or that names came or went.
func (p *part) stat(folder string) (replaced bool, err error) {
	st, err := stat(p.path(folder))
	if err == nil && st.mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return false, err
	}
	if !st.same(&p.dir) {
		p.abandon()
		p.stale, replaced = true, true
		p.remote = isRemote(p.path(folder))
	}
	p.changed = st.mtime != p.mtime
	p.dir, p.mtime = st, st.mtime
	return replaced, nil
}

// explain says whether hints named what came or went. Hints come a moment after the change, so they have until the next look.
func (p *part) explain(explained bool) {
	switch {
	case explained:
		p.unexplained = false
	case p.unexplained || p.changed && p.watched == "":
		p.stale, p.unexplained = true, false
	default:
		p.unexplained = p.changed
	}
}

// due says whether a listing should begin.
func (p *part) due(now time.Time) bool {
	since := now.Sub(p.listedAt)
	switch {
	case p.listing != nil:
		return true
	case !p.stale && p.mtime == p.listed:
		return false // nothing came or went
	case p.listedAt.IsZero() || since < 0:
		return true
	case p.stale || p.remote || p.cost < cheap:
		return since >= listShare*p.cost
	default:
		return since >= trustHints
	}
}

// step lists for a while, and says whether it is through.
func (p *part) step(folder string, now time.Time, deadline time.Time, visit func(listed)) (done bool, err error) {
	if p.listing == nil {
		if p.listing, err = openListing(p.path(folder)); err != nil {
			return false, err
		}
		p.generation++
		p.listingMtime, p.listingTook = p.mtime, 0
		if now.UnixNano()-p.mtime < int64(racy) {
			p.listingMtime = 0
		}
		p.stale = false
	}
	begin := time.Now()
	for more := true; more; {
		if more, err = p.listing.next(visit); err != nil {
			p.abandon()
			p.stale = true
			return false, err
		}
		if more && time.Now().After(deadline) {
			p.listingTook += time.Since(begin)
			return false, nil
		}
	}
	p.cost = p.listingTook + time.Since(begin)
	p.listed, p.listedAt = p.listingMtime, now
	p.abandon()
	return true, nil
}

// abandon ends a listing that is under way.
func (p *part) abandon() {
	if p.listing != nil {
		p.listing.close()
		p.listing = nil
	}
}
