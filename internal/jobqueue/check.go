package jobqueue

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"golang.org/x/sys/unix"
)

// check finds out what lies at a place now.
func (f *jobsFolder) check(p *pass, at fileKey) {
	d := &f.dirs[at.dir]
	if d.Stat.Ino == 0 || !f.absentSince[1+at.dir].IsZero() {
		return // not this file is gone, but its folder
	}
	st, err := d.Lstat(at.name)
	switch {
	case absent(err):
		f.vanished(p, at)
	case err != nil:
		f.access = accessOf(err)
	case !st.Regular():
		f.noteIrregular(d, hashName(at.name))
		if j := f.jobs[at]; j != nil {
			f.deleted(p, j)
		}
	default:
		f.present(p, at, &st)
	}
}

// vanished follows a file that is not where it was. Its new place is looked at after the old one,
// so a file that is being renamed is found.
func (f *jobsFolder) vanished(p *pass, at fileKey) {
	d := &f.dirs[at.dir]
	hash := hashName(at.name)
	delete(d.irregular.known, hash)
	if known, there := d.finished.get(hash); there {
		f.addTombstone(p, d, hash, known)
	}
	j := f.jobs[at]
	if j == nil {
		return
	}
	for _, next := range [...]int{jobsdir.Completed, jobsdir.Failed, jobsdir.Queued, jobsdir.Drafted} {
		to := fileKey{next, at.name}
		if f.jobs[to] != nil {
			continue // another file of that name, or this one
		}
		known, _ := f.dirs[next].finished.get(hash)
		if st, err := f.dirs[next].Lstat(to.name); err == nil && st.Regular() && known.ino != st.Ino {
			if f.present(p, to, &st); f.jobs[at] != j {
				return
			}
		}
	}
	f.deleted(p, j)
}

// addTombstone remembers a finished job whose file went, in case that it comes up in queued.
func (f *jobsFolder) addTombstone(p *pass, d *statusDir, hash uint64, known finished) {
	d.finished.remove(hash)
	f.tombstones[hash] = tombstone{finished: known, state: d.state(), gone: p.now}
}

// dropTombstone forgets a finished job whose file went.
func (f *jobsFolder) dropTombstone(hash uint64) {
	delete(f.tombstones, hash)
	for _, dir := range terminalParts {
		f.dirs[dir].finished.dirty.add(hash)
	}
}

// present looks at a regular file, and opens it if it is not as it was.
func (f *jobsFolder) present(p *pass, at fileKey, st *jobsdir.FileStat) {
	d := &f.dirs[at.dir]
	hash := hashName(at.name)
	delete(d.irregular.known, hash)
	if known, there := d.finished.get(hash); there && known.ino == st.Ino && !f.failedAgain(p, at, known, st) {
		return
	}
	j := f.jobs[at]
	if j == nil {
		if j = f.arrive(p, at, st); j == nil {
			return
		}
	} else if j.stat == *st && !j.racy && !f.mayFit(p, j) {
		f.expireUnparsable(p, j)
		return
	}
	if !f.mayRead(p, at, st) {
		return
	}
	doc, read, err := f.read(at)
	j.racy = errors.Is(err, jobsdir.ErrChanging)
	if j.stat != read || j.fresh.IsZero() {
		j.fresh = p.now
	}
	if absent(err) {
		f.recheck = append(f.recheck, at) // it moved just now
		return
	}
	if err != nil && read.Ino == 0 {
		read = *st // it could not be opened
	}
	j.stat = read
	if err == nil {
		err = f.keep(j, &doc)
	}
	if err == nil {
		j.racy = f.isRacy(p, j)
		f.understand(p, j, &doc)
	}
	f.noteSize(p, j, err)
	if err != nil {
		f.markUnparsable(p, j)
	}
	if j.racy && f.jobs[at] == j {
		f.recheck = append(f.recheck, at)
	}
}

// read reads what a file says.
func (f *jobsFolder) read(at fileKey) (doc jobfile.Document, st jobsdir.FileStat, err error) {
	keep := jobfile.KeepNeeded
	if f.settings.KeepPaths {
		keep = jobfile.KeepAll
	}
	st, err = f.dirs[at.dir].Read(&f.reader, at.name, func(text io.Reader) (err error) {
		doc, err = jobfile.Parse(text, keep)
		return err //nolint:wrapcheck // it says what it is
	})
	return doc, st, err //nolint:wrapcheck // as above
}

// mayRead says whether the file may be read now. A large one takes so long that others would wait
// for whoever writes them again and again; it is read when its turn comes.
func (f *jobsFolder) mayRead(p *pass, at fileKey, st *jobsdir.FileStat) bool {
	if !st.IsLarge() || st.Size > jobsdir.MaxJobFile || f.share.mayRead(st.Size, p.now) {
		return true
	}
	f.recheck = append(f.recheck, at)
	return false
}

// isRacy says that the file may change again without another time of change. On a share that is
// measured from when the time was first seen, as the time itself is of another clock.
func (f *jobsFolder) isRacy(p *pass, j *job) bool {
	since := p.now.Sub(j.fresh)
	fresh := since >= 0 && since < sharedClockStep
	return fresh && (f.shared() || p.now.UnixNano()-j.stat.MTime < int64(jobsdir.ClockStep))
}

// sharedClockStep is the coarsest step of the times on a share.
const sharedClockStep = 2 * time.Second

// arrive makes a job of a file that was not known at its place: one that was known at another, one
// that ended before, or a new one. It returns nil for history.
func (f *jobsFolder) arrive(p *pass, at fileKey, st *jobsdir.FileStat) *job {
	for i := range f.dirs {
		from := fileKey{i, at.name}
		if j := f.jobs[from]; i != at.dir && j != nil && (j.stat.Same(st) || f.isGone(from)) {
			if j.settling() {
				// it is a retry
				f.concludeFailure(p, j, gather(p.evidence, f.witnesses()), OutcomeFailed, BasisFile)
				break
			}
			delete(f.jobs, from)
			j.fileKey = at
			f.markDirty(at.name)
			j.generation = f.dirs[at.dir].Generation
			j.stat = jobsdir.FileStat{Dev: st.Dev, Ino: st.Ino} // to be read, but no other file
			f.jobs[at] = j
			return j
		}
	}
	if d := &f.dirs[at.dir]; !f.isRoomAt(d) {
		d.Stale = d.Stale || d.left.count == 0 // a listing counts it
		return nil
	}
	j := &job{fileKey: at, number: 1, generation: f.dirs[at.dir].Generation, historic: f.history(at.dir, st)}
	if g, there := f.comeBack(at, st); there {
		j.number, j.maker, j.state, j.historic = g.number()+1, g.maker(), g.state, false
	} else if d := &f.dirs[at.dir]; d.Terminal() && j.historic {
		d.finished.put(hashName(at.name), newFinished(st, d.Generation, 1, ""))
		return nil
	}
	f.jobs[at] = j
	j.since = p.now
	f.awaitMaker(p, j)
	f.markDirty(at.name)
	return j
}

// failedAgain says that a job which lies where it failed was retried meanwhile, and failed again.
// Its file is then what a runner left. What a retry writes, just before it moves it to queued, says
// of no step that it ended; and what somebody else touched says another date than the file has.
func (f *jobsFolder) failedAgain(p *pass, at fileKey, known finished, st *jobsdir.FileStat) bool {
	if at.dir != jobsdir.Failed || known.version == versionOf(st) {
		return false
	}
	if !f.mayRead(p, at, st) {
		return false
	}
	doc, read, err := f.read(at)
	if err != nil || !writtenAt(&doc, &read).Equal(doc.Updated) || !slices.ContainsFunc(doc.Steps, func(s jobfile.PlannedStep) bool { return s.Status.Ended() }) {
		return false
	}
	f.dirs[at.dir].finished.remove(hashName(at.name))
	f.jobs[at] = &job{fileKey: at, number: known.number() + 1, maker: known.maker(), generation: f.dirs[at.dir].Generation, since: p.now}
	return true
}

// history is what was written before the first pass. The kernel's clock for files is behind by up
// to one of its steps.
func (f *jobsFolder) history(dir int, st *jobsdir.FileStat) bool {
	if f.shared() {
		return f.dirs[dir].Baseline // its times are of another clock
	}

	return st.Written().Before(f.start.Add(-jobsdir.ClockStep))
}

// comeBack finds what was finished and lies elsewhere now: a retry, which is a rename, and which
// may have ended already. The same name with another inode is another job.
func (f *jobsFolder) comeBack(at fileKey, st *jobsdir.FileStat) (tombstone, bool) {
	if at.dir == jobsdir.Drafted {
		return tombstone{}, false
	}
	hash := hashName(at.name)
	for _, i := range terminalParts {
		if i == at.dir {
			continue
		}
		d := &f.dirs[i]
		if known, there := d.finished.get(hash); there && known.ino == st.Ino {
			d.finished.remove(hash)
			return tombstone{finished: known, state: d.state()}, true
		}
	}
	g, there := f.tombstones[hash]
	if there {
		f.dropTombstone(hash)
	}
	return g, there && g.ino == st.Ino
}

func (f *jobsFolder) isGone(at fileKey) bool {
	_, err := f.dirs[at.dir].Lstat(at.name)
	return errors.Is(err, unix.ENOENT)
}
