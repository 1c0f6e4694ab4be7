package jobqueue

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// The folders of sessions: FaceFusion 4 has a jobs folder for each session of its api, below the
// jobs folder. They are the instance's as the folders of runs are: what is open in them is shown
// with its own folder, and what ended stays in its totals.

// session is the folder of one, by its name in the jobs folder, which is never exported.
type session struct {
	name string
	// since is when it was not there yet; zero where it was there first of all.
	since time.Time
	// changed is when a job last came to it or left it.
	changed int64
}

// sessionList is what a pass remembers of the last listing.
type sessionList struct {
	list []session
	at   time.Time
	cost time.Duration
	// mtime is that of the jobs folder then, and unfinished says that a folder had no layout yet.
	mtime      int64
	unfinished bool
}

const (
	// maxSessions bounds those of one jobs folder that are looked at: FaceFusion never deletes the
	// folder of a session that has ended. Those with jobs under way come first, then those that
	// changed last.
	maxSessions = 64
	// maxListed bounds how many are compared for that, and maxNames how many names are read.
	maxListed = 1024
	maxNames  = 1 << 14
	// sessionsEvery is how often they are listed when a name came or went, and sessionsAlways when
	// none did.
	sessionsEvery  = time.Second
	sessionsAlways = 10 * time.Second
)

// A session's name is 16 random bytes in Base64 for URLs; a UUID is as good. Where the version is
// not known to have sessions, only such a name and the whole layout make one: somebody's copies may
// lie beside the jobs.
var (
	sessionName  = regexp.MustCompile(`^(?:[0-9A-Za-z_-]{22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	plausibleOne = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
)

// appendSessions adds the folders of sessions that the last passes found.
func (w *Watcher) appendSessions(folders []Folder, now time.Time) []Folder {
	at := make(map[string]*Folder, len(folders))
	for i := range folders {
		at[folders[i].Instance] = &folders[i]
	}
	all := slices.Clip(folders)
	for _, f := range w.folders {
		if f.of != "" || len(f.sessions) == 0 || len(f.instances) == 0 {
			continue
		}
		own := at[f.instances[0]]
		if own == nil || own.Path == "" {
			continue
		}
		for _, s := range w.foremost(f) {
			one := *own
			one.Instance, one.Of, one.Since = sessionFolder(own.Instance, s.name), own.Instance, f.seenSession(s, now)
			one.session, one.sharers = s.name, f.instances
			all = append(all, one)
		}
	}
	return all
}

// seenSession notes that a session is looked at, and says since when its jobs are no history: one
// that was left out for a while is not counted anew.
func (f *jobsFolder) seenSession(s session, now time.Time) time.Time {
	since, there := f.sessionsSeen[s.name]
	if !there {
		since = s.since
	}
	if f.sessionsSeen == nil || len(f.sessionsSeen) > 2*maxListed {
		seen := make(map[string]time.Time)
		for _, known := range f.sessions {
			if at, there := f.sessionsSeen[known.name]; there {
				seen[known.name] = at
			}
		}
		f.sessionsSeen = seen
	}
	f.sessionsSeen[s.name] = now
	return since
}

// sessionFolder is no ID of an instance.
func sessionFolder(instance, name string) string { return instance + "\x00session " + name }

// foremost are as many of the sessions as are looked at.
func (w *Watcher) foremost(f *jobsFolder) []session {
	if len(f.sessions) <= maxSessions {
		return f.sessions
	}
	busy := make(map[string]bool)
	for _, other := range w.folders {
		if other.of == f.instances[0] && other.last != nil && len(other.last.Open) > 0 {
			for _, id := range other.instances {
				busy[id] = true
			}
		}
	}
	list := slices.Clone(f.sessions)
	rank := func(s session) int {
		if busy[sessionFolder(f.instances[0], s.name)] {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(a, b session) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.changed, a.changed), strings.Compare(a.name, b.name))
	})
	return list[:maxSessions]
}

// witnesses are by whom the evidence about a folder is found: that of a session has the processes
// of its jobs folder.
func (f *jobsFolder) witnesses() []string {
	if f.at.session != "" {
		return f.at.sharers
	}
	return f.instances
}

// open opens the folder, be it one or not.
func (at *Folder) open() (*jobsdir.JobsFolder, error) {
	if at.session != "" {
		return jobsdir.OpenSession(at.Files, at.key(), at.Path, at.session)
	}
	return jobsdir.OpenJobs(at.Files, at.Path)
}

// close ends a pass, or is for a folder that none is made over.
func (at *Folder) close() {
	at.jobs.Close()
	at.jobs = nil
}

// listSessions is part of a pass over an instance's own folder. While that is not there its
// sessions are what they were.
func (f *jobsFolder) listSessions(p *pass) []session {
	l := &f.sessionsListed
	if f.of != "" || !f.reachable {
		return l.list
	}
	dir, err := f.at.jobs.List()
	if err != nil {
		return l.list
	}
	defer unix.Close(dir)
	var st unix.Stat_t
	if unix.Fstat(dir, &st) != nil || !l.due(p.now, st.Mtim.Nano()) {
		return l.list
	}
	begin := time.Now()
	known := make(map[string]session, len(l.list))
	for _, s := range l.list {
		known[s.name] = s
	}
	before := l.at
	list := make([]session, 0, len(l.list))
	l.unfinished = false
	for _, name := range sessionNames(dir, f.at.Sessions) {
		changed, whole := f.at.sessionLayout(name)
		s, there := known[name]
		if !whole && !there {
			l.unfinished = true
			continue
		}
		if changed == 0 {
			continue
		}
		if !there {
			s = session{name: name, since: before}
		}
		s.changed = changed
		list = append(list, s)
	}
	l.list, l.at, l.cost, l.mtime = list, p.now, time.Since(begin), st.Mtim.Nano()
	return list
}

func (l *sessionList) due(now time.Time, mtime int64) bool {
	since := now.Sub(l.at)
	switch {
	case l.at.IsZero() || since < 0:
		return true
	case since < max(sessionsEvery, 50*l.cost):
		return false
	default:
		return l.unfinished || mtime != l.mtime || since >= sessionsAlways
	}
}

// sessionNames are the folders in an open jobs folder that are named like those of sessions.
func sessionNames(dir int, has bool) (names []string) {
	form := sessionName
	if has {
		form = plausibleOne
	}
	buf, read := make([]byte, 8<<10), 0
	for more := true; more && read < maxNames && len(names) < maxListed; {
		var err error
		more, err = dirent.Read(dir, buf, func(e dirent.DirEntry) bool {
			read++
			if (e.Kind == unix.DT_DIR || e.Kind == unix.DT_UNKNOWN) && form.Match(e.Name) && !slices.Contains(jobsdir.Names[:], string(e.Name)) {
				names = append(names, string(e.Name))
			}
			return true
		})
		if err != nil {
			break
		}
	}
	return names
}

// sessionLayout says when a job last came or left, zero where nothing of the layout is there, and
// whether enough of it is.
func (at *Folder) sessionLayout(name string) (changed int64, whole bool) {
	there := 0
	for _, status := range jobsdir.Names {
		st, err := at.jobs.StatInside(filepath.Join(name, status))
		if err == nil && st.IsDir() {
			there++
			changed = max(changed, st.MTime, 1)
		}
	}
	return changed, there == len(jobsdir.Names) || at.Sessions && there > 0
}
