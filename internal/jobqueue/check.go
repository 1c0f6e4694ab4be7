package jobqueue

import (
	"errors"
	"path/filepath"
	"slices"

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
		p.odd[hashName(at.name)] = p.generation
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
	hash := hashName(at.name)
	delete(p.odd, hash)
	if known, there := p.finished.get(hash); there {
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
		known, _ := f.parts[next].finished.get(hash)
		if st, err := lstat(f.file(to)); err == nil && st.regular() && known.ino != st.ino {
			if f.present(l, to, &st); f.jobs[at] != j {
				return
			}
		}
	}
	f.deleted(l, j)
}

// bury remembers a finished job whose file went, in case that it comes up in queued.
func (f *folder) bury(l *look, p *part, hash uint64, known finished) {
	p.finished.remove(hash)
	f.ghosts[hash] = ghost{finished: known, state: p.state(), gone: l.now}
}

// exorcise forgets a finished job whose file went.
func (f *folder) exorcise(hash uint64) {
	delete(f.ghosts, hash)
	for _, part := range terminalParts {
		f.parts[part].finished.changed.add(hash)
	}
}

// present looks at a regular file, and opens it if it is not as it was.
func (f *folder) present(l *look, at place, st *stamp) {
	p := &f.parts[at.part]
	hash := hashName(at.name)
	delete(p.odd, hash)
	if known, there := p.finished.get(hash); there && known.ino == st.ino && !f.failedAgain(l, at, known, st) {
		return
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
			f.touch(at.name)
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
		p.finished.put(hashName(at.name), newFinished(st, p.generation, 1))
		return nil
	}
	f.jobs[at] = j
	j.since = l.now
	f.touch(at.name)
	return j
}

// failedAgain says that a job which lies where it failed was retried meanwhile, and failed again. Its file is then what a runner left. What a retry writes, just
// before it moves it to queued, says of no step that it ended; and what somebody else touched says another date than the file has.
func (f *folder) failedAgain(l *look, at place, known finished, st *stamp) bool {
	if at.part != partFailed || known.version == versionOf(st) {
		return false
	}
	text, read, err := f.reader.read(f.file(at))
	if err != nil {
		return false
	}
	doc, err := parse(text)
	if err != nil || !writtenAt(&doc, &read).Equal(doc.updated) || !slices.ContainsFunc(doc.steps, func(s plannedStep) bool { return s.status.ended() }) {
		return false
	}
	f.parts[at.part].finished.remove(hashName(at.name))
	f.jobs[at] = &job{place: at, number: int(known.attempt) + 1, generation: f.parts[at.part].generation, since: l.now}
	return true
}

// history is what was written before the first look. The kernel's clock for files is behind by up to one of its steps.
func (f *folder) history(st *stamp) bool { return st.written().Before(f.start.Add(-racy)) }

// comeBack finds what was finished and lies elsewhere now: a retry, which is a rename, and which may have ended already. The same name with another inode is
// another job.
func (f *folder) comeBack(at place, st *stamp) (ghost, bool) {
	if at.part == partDrafted {
		return ghost{}, false
	}
	hash := hashName(at.name)
	for _, i := range terminalParts {
		if i == at.part {
			continue
		}
		p := &f.parts[i]
		if known, there := p.finished.get(hash); there && known.ino == st.ino {
			p.finished.remove(hash)
			return ghost{finished: known, state: p.state()}, true
		}
	}
	g, there := f.ghosts[hash]
	if there {
		f.exorcise(hash)
	}
	return g, there && g.ino == st.ino
}

func (f *folder) gone(at place) bool {
	_, err := lstat(f.file(at))
	return errors.Is(err, unix.ENOENT)
}
