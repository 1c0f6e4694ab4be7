package jobqueue

import (
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sys/unix"
)

// takeHints turns hints into work.
func (f *jobsFolder) takeHints(p *pass) {
	for i := range f.dirs {
		d := &f.dirs[i]
		explained := false
		for name, moved := range p.hints.names[d.watched] {
			f.worklist.push(fileKey{i, name})
			explained = explained || moved
		}
		d.explain(explained && !p.hints.lost)
		d.stale = d.stale || p.hints.lost
	}
	if p.hints.lost {
		f.sweptAt = time.Time{}
	}
}

// watchAgain is how often a watch is tried that did not succeed.
const watchAgain = time.Minute

// keepWatching sees to it that every status folder is watched.
func (f *jobsFolder) keepWatching(p *pass) {
	for i := range f.dirs {
		d := &f.dirs[i]
		if d.watched != "" && !p.watching[d.watched] {
			d.watched, d.triedAt, d.stale = "", time.Time{}, true // its folder was removed
		}
		if d.watched != "" || d.stat.ino == 0 || !d.triedAt.IsZero() && p.now.Sub(d.triedAt) < watchAgain {
			continue
		}
		d.triedAt = p.now
		if path := d.path(f.at.Path); f.hinter.watch(path) == nil {
			// From here on changes are hinted, but those before are not.
			d.watched, d.stale = path, true
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

// list lists the status folders where names came or went. Drafted and queued come first.
func (f *jobsFolder) list(p *pass) {
	for i := range f.dirs {
		d := &f.dirs[i]
		if d.stat.ino == 0 || !d.due(p.now) {
			continue
		}
		done, err := d.listSome(f.at.Path, p.now, p.deadline, func(e listed) { f.visitEntry(d, e) })
		switch {
		case err != nil && errors.Is(err, unix.EACCES):
			f.access = AccessDenied
		case done:
			f.findMissing(p, d)
		}
	}
}

// visitEntry compares one name with what is known.
func (f *jobsFolder) visitEntry(d *statusDir, e listed) {
	hash := xxhash.Sum64(e.name) // as hashName, without a copy
	if e.kind != unix.DT_REG && e.kind != unix.DT_UNKNOWN {
		d.irregular[hash] = d.generation
		if _, there := f.jobs[fileKey{d.index, string(e.name)}]; !there {
			return
		}
	}
	if known, there := d.finished.get(hash); there {
		known.generation = d.generation
		d.finished.set(hash, known) // the generation is not kept
		if known.ino == e.ino {
			if f.restored == RestoreDone && !f.scanned && d.index == dirFailed {
				f.worklist.push(fileKey{d.index, string(e.name)}) // it may have failed again meanwhile
			}
			return
		}
		// Another file, or a filesystem that lists other inodes than it tells of files, as some overlays do: then a listing costs a pass at each.
	}
	at := fileKey{d.index, string(e.name)}
	if j := f.jobs[at]; j != nil {
		j.generation = d.generation
		if j.stat.ino == e.ino {
			return
		}
	}
	f.worklist.push(at)
}

// findMissing finds what the listing did not name any more.
func (f *jobsFolder) findMissing(p *pass, d *statusDir) {
	for at, j := range f.jobs {
		if at.dir == d.index && j.generation != d.generation {
			f.worklist.push(at)
		}
	}
	d.finished.all(func(hash uint64, known finished) {
		if known.generation != d.generation {
			f.addTombstone(p, d, hash, known)
		}
	})
	for hash, generation := range d.irregular {
		if generation != d.generation {
			delete(d.irregular, hash)
		}
	}
}

// listed says that every status folder was listed to the end.
func (f *jobsFolder) listed() bool {
	for i := range f.dirs {
		if d := &f.dirs[i]; d.stat.ino != 0 && d.listedAt.IsZero() {
			return false
		}
	}
	return true
}
