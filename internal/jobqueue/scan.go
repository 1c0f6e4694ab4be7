package jobqueue

import (
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sys/unix"
)

// takeHints turns hints into work.
func (f *folder) takeHints(l *look) {
	for i := range f.parts {
		p := &f.parts[i]
		explained := false
		for name, moved := range l.hints.names[p.watched] {
			f.todo.push(place{i, name})
			explained = explained || moved
		}
		p.explain(explained && !l.hints.lost)
		p.stale = p.stale || l.hints.lost
	}
	if l.hints.lost {
		f.sweptAt = time.Time{}
	}
}

// watchAgain is how often a watch is tried that did not succeed.
const watchAgain = time.Minute

// keepWatching sees to it that every part is watched.
func (f *folder) keepWatching(l *look) {
	for i := range f.parts {
		p := &f.parts[i]
		if p.watched != "" && !l.watching[p.watched] {
			p.watched, p.triedAt, p.stale = "", time.Time{}, true // its folder was removed
		}
		if p.watched != "" || p.dir.ino == 0 || !p.triedAt.IsZero() && l.now.Sub(p.triedAt) < watchAgain {
			continue
		}
		p.triedAt = l.now
		if path := p.path(f.at.Path); f.hinter.watch(path) == nil {
			// From here on changes are hinted, but those before are not.
			p.watched, p.stale = path, true
			l.watching[path] = true
		}
	}
}

// sweep puts on the list what is looked at without a hint.
func (f *folder) sweep() {
	n := 0
	for at := range f.jobs { // in another order each time: those of a long queue take turns
		if n++; n > maxSweep {
			break
		}
		f.todo.push(at)
	}
}

// list lists the parts where names came or went. Drafted and queued come first.
func (f *folder) list(l *look) {
	for i := range f.parts {
		p := &f.parts[i]
		if p.dir.ino == 0 || !p.due(l.now) {
			continue
		}
		done, err := p.step(f.at.Path, l.now, l.deadline, func(e listed) { f.visit(p, e) })
		switch {
		case err != nil && errors.Is(err, unix.EACCES):
			f.access = AccessDenied
		case done:
			f.miss(l, p)
		}
	}
}

// visit compares one name with what is known.
func (f *folder) visit(p *part, e listed) {
	hash := xxhash.Sum64(e.name) // as hashName, without a copy
	if e.kind != unix.DT_REG && e.kind != unix.DT_UNKNOWN {
		p.odd[hash] = p.generation
		if _, there := f.jobs[place{p.index, string(e.name)}]; !there {
			return
		}
	}
	if known, there := p.finished.get(hash); there {
		known.generation = p.generation
		p.finished.set(hash, known) // the generation is not kept
		if known.ino == e.ino {
			if f.memory == MemoryRestored && !f.scanned && p.index == partFailed {
				f.todo.push(place{p.index, string(e.name)}) // it may have failed again meanwhile
			}
			return
		}
		// Another file, or a filesystem that lists other inodes than it tells of files, as some overlays do: then a listing costs a look at each.
	}
	at := place{p.index, string(e.name)}
	if j := f.jobs[at]; j != nil {
		j.generation = p.generation
		if j.stamp.ino == e.ino {
			return
		}
	}
	f.todo.push(at)
}

// miss finds what the listing did not name any more.
func (f *folder) miss(l *look, p *part) {
	for at, j := range f.jobs {
		if at.part == p.index && j.generation != p.generation {
			f.todo.push(at)
		}
	}
	p.finished.all(func(hash uint64, known finished) {
		if known.generation != p.generation {
			f.bury(l, p, hash, known)
		}
	})
	for hash, generation := range p.odd {
		if generation != p.generation {
			delete(p.odd, hash)
		}
	}
}

// listed says that every part was listed to the end.
func (f *folder) listed() bool {
	for i := range f.parts {
		if p := &f.parts[i]; p.dir.ino != 0 && p.listedAt.IsZero() {
			return false
		}
	}
	return true
}
