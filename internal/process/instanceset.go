package process

import (
	"path/filepath"
	"time"
)

// Configured is an instance that the user named, reported also while it does not run.
type Configured struct {
	// Name is its ID.
	Name string
	// Path is the checkout, as the host names it; for a container without a bind mount, as the
	// container names it.
	Path string
	// JobsPath is the jobs folder, where it is not the one that the checkout's facefusion.ini
	// tells; relative to Path.
	JobsPath string
	// Match names its processes; nil for those that work in Path or with JobsPath.
	Match *Match
	// Expected says that it should always run: ended on purpose, it is down all the same.
	Expected bool
}

// instanceSet holds the known ones by the key of their jobs folder. A configured one may be known
// by two keys: where it was expected, and where it was found.
type instanceSet struct {
	files *files
	byKey map[string]*instanceState
	// configured are in the user's order.
	configured []*instanceState
}

func newInstances(f *files, configured []Configured) *instanceSet {
	s := &instanceSet{files: f, byKey: make(map[string]*instanceState)}
	for n := range configured {
		c := configured[n]
		i := &instanceState{id: c.Name, conf: &c, totals: map[Role]*roleTotals{}}
		if c.Path != "" {
			i.checkout.inner = filepath.Clean(c.Path)
		}
		s.configured = append(s.configured, i)
	}
	return s
}

// expect reads what can be known of the configured instances without a process. It is repeated
// until the checkout is there.
func (s *instanceSet) expect() {
	for _, i := range s.configured {
		if len(i.totals) > 0 || i.jobsPath != "" && (i.version != "" || i.conf.Path == "") {
			continue // known from its processes, or all is known
		}
		root := s.files.hostRoot()
		if i.conf.Path != "" {
			i.checkout.inner = resolve(root, i.conf.Path)
			i.version = s.files.version(i.checkout.inner)
		}
		jobs := i.conf.JobsPath
		if jobs == "" && i.conf.Path != "" {
			jobs = s.files.expectedJobsPath(i.checkout.inner)
		}
		if jobs == "" {
			continue
		}
		jobs = resolve(root, absolute(i.checkout.inner, jobs))
		i.checkout.host, i.checkout.key = i.checkout.inner, i.checkout.inner
		i.jobs = folder{inner: jobs, host: jobs, key: jobs}
		i.jobsPath, i.jobsVia = filepath.Join(s.files.root, jobs), 0
		if s.byKey[jobs] == nil {
			s.byKey[jobs] = i
		}
	}
}

// key is what an instance is known by. A run with a jobs folder of its own has that of its
// checkout, and what another user runs is his own.
func (p *workdir) key() string {
	key := p.jobs.key
	if p.temporary && p.checkout.key != "" {
		key = p.checkout.key + "/" + defaultJobsPath
	}
	return key + p.stranger
}

// of returns the instance of a process that works there, and makes it known. A service is not of
// an instance whose configuration names other processes: it would keep it up. It returns nil where
// a new one is not admitted; else that is told whose it is.
func (s *instanceSet) of(p workdir, role Role, admitted func() (uid int, ok bool)) *instanceState {
	i := s.known(p)
	key := p.key()
	if i != nil && i.conf != nil && i.conf.Match != nil && !role.short() {
		key += " beside " + i.id
		i = s.byKey[key]
	}
	if i != nil {
		return i
	}
	i = s.matching(p, role)
	if i == nil {
		uid, ok := admitted()
		if !ok {
			return nil
		}
		checkout := p.checkout.inner
		if checkout == "" {
			checkout = "facefusion"
		}
		i = &instanceState{id: name(checkout, key, s.taken), uid: uid, stranger: p.stranger, totals: map[Role]*roleTotals{}}
	}
	s.byKey[key] = i
	return i
}

// known finds the instance by what is known of it already.
func (s *instanceSet) known(p workdir) *instanceState {
	for _, key := range []string{p.jobs.key + p.stranger, p.key()} {
		if i := s.byKey[key]; i != nil {
			return i
		}
	}
	return s.ofCheckout(p)
}

// claim gives a process to a configured instance that names it. The instance takes the place of one
// that was discovered there and does not run, and is then known by its folders, too: to the runs
// that somebody starts in them.
func (s *instanceSet) claim(i *instanceState, p workdir) *instanceState {
	if i.own == 0 && p.checkout.key != "" {
		i.checkout, i.jobs, i.jobsPath = p.checkout, p.jobs, ""
	}
	if p.jobs.key == "" {
		return i
	}
	if known := s.byKey[p.key()]; known == nil || known.conf == nil && known.own == 0 {
		s.byKey[p.key()] = i
	}
	return i
}

// ofCheckout finds the instance of a checkout for a run with a jobs folder of its own: a thousand
// such runs are one instance. Where several have the checkout, the first by ID has the run.
func (s *instanceSet) ofCheckout(p workdir) *instanceState {
	if !p.temporary || p.checkout.key == "" {
		return nil
	}
	var found *instanceState
	for _, i := range s.byKey {
		if i.checkout.key == p.checkout.key && i.stranger == p.stranger && (found == nil || i.id < found.id) {
			found = i
		}
	}
	return found
}

// matching finds a configured instance that was not where it was expected: its process was started
// with --jobs-path, or it is in a container, and named as the container does. Two containers may
// use the same paths, so a name that a running instance bears is not given again; a container that
// was created anew gets it.
func (s *instanceSet) matching(p workdir, role Role) *instanceState {
	for _, i := range s.configured {
		if i.conf.Match != nil && !role.short() {
			continue
		}
		if p.stranger == "" && i.own == 0 && i.conf.names(p) {
			// From now on its folders are what the process says.
			i.checkout, i.jobs, i.jobsPath = p.checkout, p.jobs, ""
			return i
		}
	}
	return nil
}

func (c *Configured) names(p workdir) bool {
	if c.JobsPath != "" {
		jobs := filepath.Clean(absolute(c.Path, c.JobsPath))
		return jobs == p.jobs.inner || jobs == p.jobs.host
	}
	checkout := filepath.Clean(c.Path)
	return c.Path != "" && (checkout == p.checkout.inner || checkout == p.checkout.host)
}

func (s *instanceSet) taken(id string) bool {
	for _, i := range s.configured {
		if i.id == id {
			return true
		}
	}
	for _, i := range s.byKey {
		if i.id == id {
			return true
		}
	}
	return false
}

// all returns each known instance once.
func (s *instanceSet) all() []*instanceState {
	list := append([]*instanceState(nil), s.configured...)
	for _, i := range s.byKey {
		if i.conf == nil {
			list = append(list, i)
		}
	}
	return list
}

// discard forgets a discovered instance of which nothing was seen but what came and went.
func (s *instanceSet) discard(i *instanceState) {
	if i.conf != nil || i.settled || i.own > 0 {
		return
	}
	s.remove(i)
}

// forget drops the discovered ones that were not seen for too long.
func (s *instanceSet) forget(now time.Time, after time.Duration) {
	for key, i := range s.byKey {
		if i.conf == nil && now.Sub(i.lastSeen) > after {
			delete(s.byKey, key)
		}
	}
}
