package jobqueue

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// check finds out what lies at a place now.
func (f *folder) check(l *look, at place) {
	p := &f.parts[at.part]
	if p.dir.ino == 0 || !f.absentSince[1+at.part].IsZero() {
		return // not this file is gone, but its folder
	}
	st, err := lstat(f.file(at))
	switch {
	case absent(err):
		f.vanished(l, at)
	case err != nil:
		f.access = accessOf(err)
	case !st.regular():
		p.odd[p.hash(at.name)] = p.generation
		if j := f.jobs[at]; j != nil {
			f.deleted(l, j)
		}
	default:
		f.present(l, at, &st)
	}
}

func (f *folder) file(at place) string {
	return filepath.Join(f.parts[at.part].path(f.at.Path), at.name)
}

// vanished follows a file that is not where it was. Its new place is looked at after the old one, so a file that is being renamed is found.
func (f *folder) vanished(l *look, at place) {
	p := &f.parts[at.part]
	hash := p.hash(at.name)
	delete(p.odd, hash)
	if known, there := p.finished[hash]; there {
		f.bury(l, p, hash, known)
	}
	j := f.jobs[at]
	if j == nil {
		return
	}
	for _, next := range [...]int{partCompleted, partFailed, partQueued, partDrafted} {
		to := place{next, at.name}
		if f.jobs[to] != nil {
			continue // another file of that name, or this one
		}
		if st, err := lstat(f.file(to)); err == nil && st.regular() && f.parts[next].finished[hash].ino != st.ino {
			if f.present(l, to, &st); f.jobs[at] != j {
				return
			}
		}
	}
	f.deleted(l, j)
}

// bury remembers a finished job whose file went, in case that it comes up in queued.
func (f *folder) bury(l *look, p *part, hash uint64, known finished) {
	delete(p.finished, hash)
	f.ghosts[hash] = ghost{finished: known, state: p.state(), gone: l.now}
}

// present looks at a regular file, and opens it if it is not as it was.
func (f *folder) present(l *look, at place, st *stamp) {
	p := &f.parts[at.part]
	delete(p.odd, p.hash(at.name))
	if known, there := p.finished[p.hash(at.name)]; there && known.ino == st.ino {
		return // also while a retry writes it, just before it moves it to queued
	}
	j := f.jobs[at]
	if j == nil {
		if j = f.arrive(l, at, st); j == nil {
			return
		}
	} else if j.stamp == *st && !j.racy {
		f.outwait(l, j)
		return
	}
	text, read, err := f.reader.read(f.file(at))
	j.racy = errors.Is(err, errChanging)
	if absent(err) {
		f.again = append(f.again, at) // it moved just now
		return
	}
	if err != nil && read.ino == 0 {
		read = *st // it could not be opened
	}
	j.stamp = read
	if err == nil {
		var doc document
		if doc, err = parse(text); err == nil {
			j.racy = l.now.UnixNano()-read.mtime < int64(racy)
			f.understand(l, j, &doc)
		}
	}
	if err != nil {
		f.puzzle(l, j)
	}
	if j.racy && f.jobs[at] == j {
		f.again = append(f.again, at)
	}
}

// arrive makes a job of a file that was not known at its place: one that was known at another, one that ended before, or a new one. It returns nil for history.
func (f *folder) arrive(l *look, at place, st *stamp) *job {
	for i := range f.parts {
		from := place{i, at.name}
		if j := f.jobs[from]; i != at.part && j != nil && (j.stamp.same(st) || f.gone(from)) {
			delete(f.jobs, from)
			j.place = at
			j.generation = f.parts[at.part].generation
			j.stamp = stamp{dev: st.dev, ino: st.ino} // to be read, but no other file
			f.jobs[at] = j
			return j
		}
	}
	j := &job{place: at, number: 1, generation: f.parts[at.part].generation, adopted: f.history(st)}
	if g, there := f.comeBack(at, st); there {
		j.number, j.state, j.adopted = int(g.attempt)+1, g.state, false
	} else if p := &f.parts[at.part]; p.terminal() && j.adopted {
		p.finished[p.hash(at.name)] = finished{ino: st.ino, generation: p.generation, attempt: 1}
		return nil
	}
	f.jobs[at] = j
	j.since = l.now
	return j
}

// history is what was written before the first look. The kernel's clock for files is behind by up to one of its steps.
func (f *folder) history(st *stamp) bool { return st.written().Before(f.start.Add(-racy)) }

// comeBack finds what was finished and is queued now: a retry, which is a rename. The same name with another inode is another job.
func (f *folder) comeBack(at place, st *stamp) (ghost, bool) {
	if at.part != partQueued {
		return ghost{}, false
	}
	hash := f.parts[at.part].hash(at.name)
	for _, i := range [...]int{partFailed, partCompleted} {
		p := &f.parts[i]
		if known, there := p.finished[hash]; there && known.ino == st.ino {
			delete(p.finished, hash)
			return ghost{finished: known, state: p.state()}, true
		}
	}
	g, there := f.ghosts[hash]
	delete(f.ghosts, hash)
	return g, there && g.ino == st.ino
}

func (f *folder) gone(at place) bool {
	_, err := lstat(f.file(at))
	return errors.Is(err, unix.ENOENT)
}
