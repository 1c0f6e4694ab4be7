package jobqueue

import (
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"golang.org/x/sys/unix"
)

// takeHints turns hints into work.
func (f *jobsFolder) takeHints(p *pass) {
	for i := range f.dirs {
		d := &f.dirs[i]
		explained := false
		for name, moved := range p.hints.Names[d.Watched] {
			f.worklist.push(fileKey{i, name})
			explained = explained || moved
		}
		d.Explain(explained && !p.hints.Lost)
		d.Stale = d.Stale || p.hints.Lost
	}
	if p.hints.Lost {
		f.sweptAt = time.Time{}
	}
}

// watchAgain is how often a watch is tried that did not succeed.
const watchAgain = time.Minute

// keepWatching sees to it that every status folder is watched.
func (f *jobsFolder) keepWatching(p *pass) {
	if f.of != "" {
		return // the kernel allows 128 instances of inotify, and there may be more such runs
	}
	for i := range f.dirs {
		d := &f.dirs[i]
		if d.Watched != "" && !p.watching[d.Watched] {
			d.Watched, d.TriedAt, d.Stale = "", time.Time{}, true // its folder was removed
		}
		if d.Watched != "" || d.Stat.Ino == 0 || !d.TriedAt.IsZero() && p.now.Sub(d.TriedAt) < watchAgain {
			continue
		}
		d.TriedAt = p.now
		if path := d.Path(f.watchPath()); f.hinter.Watch(path) == nil {
			// From here on changes are hinted, but those before are not.
			d.Watched, d.Stale = path, true
			p.watching[path] = true
		}
	}
}

// sweep puts on the list what is looked at without a hint.
func (f *jobsFolder) sweep() {
	n := 0
	for at := range f.jobs { // in another order each time: those of a long queue take turns
		if n++; n > maxSweep {
			break
		}
		f.worklist.push(at)
	}
}

// maxWorklist is how many names are listed before they are looked at.
const maxWorklist = 16 << 10

// list lists the status folders where names came or went. Drafted and queued come first.
func (f *jobsFolder) list(p *pass) {
	for i := range f.dirs {
		d := &f.dirs[i]
		if (d.left.count > 0 || d.irregular.more > 0) && p.now.Sub(d.ListedAt) >= retryOversized {
			d.Stale = true // there may be room meanwhile, or less to count
		}
		if d.Stat.Ino == 0 || !d.Due(p.now) || f.worklist.len() >= maxWorklist {
			continue
		}
		if !d.Listing() {
			d.left, d.irregular.listing = leftOut{}, 0
		}
		done, err := d.List(p.now, p.deadline, func(e dirent.DirEntry) { f.visitEntry(d, e) })
		switch {
		case err != nil && errors.Is(err, unix.EACCES):
			f.access = AccessDenied
		case done:
			f.findMissing(p, d)
		}
	}
}

// visitEntry compares one name with what is known.
func (f *jobsFolder) visitEntry(d *statusDir, e dirent.DirEntry) {
	hash := xxhash.Sum64(e.Name) // as hashName, without a copy
	if e.Kind != unix.DT_REG && e.Kind != unix.DT_UNKNOWN {
		f.noteIrregular(d, hash)
		if _, there := f.jobs[fileKey{d.Index, string(e.Name)}]; !there {
			return
		}
	}
	if known, there := d.finished.get(hash); there {
		known.generation = d.Generation
		d.finished.set(hash, known) // the generation is not kept
		if known.ino == e.Ino {
			if f.restored == RestoreDone && !f.scanned && d.Index == jobsdir.Failed {
				// it may have failed again meanwhile
				f.worklist.push(fileKey{d.Index, string(e.Name)})
			}
			return
		}
		// Another file, or a filesystem that lists other inodes than it tells of files, as some
		// overlays do: then a listing costs a pass at each.
	}
	at := fileKey{d.Index, string(e.Name)}
	if j := f.jobs[at]; j != nil {
		j.generation = d.Generation
		if j.stat.Ino == e.Ino {
			return
		}
		f.worklist.push(at)
		return
	}
	if !f.worklist.has(at) && f.isRoomFor(d, e.Name) {
		f.worklist.pushNew(at)
	}
}

// findMissing finds what the listing did not name any more.
func (f *jobsFolder) findMissing(p *pass, d *statusDir) {
	for at, j := range f.jobs {
		if at.dir == d.Index && j.generation != d.Generation {
			f.worklist.push(at)
		}
	}
	d.finished.all(func(hash uint64, known finished) {
		if known.generation != d.Generation {
			f.addTombstone(p, d, hash, known)
		}
	})
	d.irregular.listed(&d.Dir)
}

// listed says that every status folder was listed to the end.
func (f *jobsFolder) listed() bool {
	for i := range f.dirs {
		if d := &f.dirs[i]; d.Stat.Ino != 0 && d.ListedAt.IsZero() {
			return false
		}
	}
	return true
}
