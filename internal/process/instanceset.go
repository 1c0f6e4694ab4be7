package process

import (
	"path/filepath"
	"slices"
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
			if st, err := root.Stat(i.checkout.inner); err == nil && len(i.claimants) == 0 {
				i.claimants = Claimants{s.files.claims(credentials{uid: int(st.Uid)})}
			}
		}
		jobs := i.conf.JobsPath
		if jobs == "" && i.conf.Path != "" {
			jobs = s.files.expectedJobsPath(i.checkout.inner)
		}
		if jobs == "" {
			continue
		}
		jobs = resolve(root, absolute(i.checkout.inner, jobs))
		i.checkout = s.files.locate(1, i.checkout.inner)
		i.jobs = s.files.locate(1, jobs)
		i.jobsPath, i.jobsVia = filepath.Join(s.files.root, jobs), 0
		if s.byKey[i.jobs.key] == nil {
			s.know(i.jobs.key, i)
		}
	}
}

// folderKey is that of the jobs folder. A run with a jobs folder of its own has that of its
// checkout, and what another user runs is his own.
func (p *workdir) folderKey() string {
	key := p.jobs.key
	if p.temporary && p.checkout.key != "" {
		key = p.checkout.key + "/" + defaultJobsPath
	}
	return key + p.stranger
}

// key is what an instance is known by. In a container it is what the container is called, and the
// folder as the container names it: what the host calls it is another each time. On the host it is
// the folder, and the unit: each unit that works in a checkout is a service of its own.
func (p *workdir) key(role Role) string {
	who := p.site.who
	switch {
	case p.site.container != "":
		inner := p.jobs.inner
		if p.temporary && p.checkout.inner != "" {
			inner = p.checkout.inner + "/" + defaultJobsPath
		}
		return who + keySeparator + inner + p.stranger
	case who != "" && !role.short():
		return who + keySeparator + p.folderKey()
	default:
		return p.folderKey()
	}
}

// of returns the instance of a process that works there, and makes it known. A service is not of an
// instance whose configuration names other processes: it would keep it up. It returns nil where a
// new one is not admitted; admitted returns the account that it belongs to.
func (s *instanceSet) of(p workdir, role Role, admitted func() (uid int, ok bool)) *instanceState {
	i := s.known(p, role)
	key := p.key(role)
	if i != nil && i.conf != nil && i.conf.Match != nil && !role.short() {
		key += " beside " + i.id
		i = s.byKey[key]
	}
	if i != nil {
		return i
	}
	if i = s.orphan(key); i != nil {
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
		i = &instanceState{id: name(checkout, key, s.taken), key: key, site: p.siteFor(role), uid: uid, stranger: p.stranger, totals: map[Role]*roleTotals{}}
	}
	s.know(key, i)
	return i
}

// maxKeys is how many keys a configured instance is known by: a container without a lasting name
// has another one each time that it is created.
const maxKeys = 64

// know makes an instance known by a key. A configured one is never forgotten, so of its keys the
// one that it got first is.
func (s *instanceSet) know(key string, i *instanceState) {
	if i.conf != nil && s.byKey[key] != i {
		i.keys = append(i.keys, key)
		if len(i.keys) > maxKeys {
			if s.byKey[i.keys[0]] == i {
				delete(s.byKey, i.keys[0])
			}
			i.keys = slices.Delete(i.keys, 0, 1)
		}
	}
	s.byKey[key] = i
}

// siteFor is the site of an instance that a process makes: the unit of a run is that of a
// scheduler, or of whoever else started it.
func (p *workdir) siteFor(role Role) site {
	if role.short() && p.site.container == "" {
		return site{layer: p.site.layer}
	}
	return p.site
}

// known finds the instance by what is known of it already.
func (s *instanceSet) known(p workdir, role Role) *instanceState {
	if i := s.byKey[p.key(role)]; i != nil {
		if !role.short() || p.site.container != "" {
			i.site = p.site // the container may be another one with the same name
		}
		return i
	}
	if !role.short() {
		return s.former(p, role)
	}
	if i := s.ofFolder(p); i != nil {
		return i
	}
	return s.ofCheckout(p)
}

// former finds the instance that a service had before it had a name, or when an earlier version
// gave it another key: that of its jobs folder, if it does not run. It is known by the new key
// then.
func (s *instanceSet) former(p workdir, role Role) *instanceState {
	for _, key := range append([]string{p.folderKey()}, p.formerKeys()...) {
		i := s.byKey[key]
		if i == nil || !p.site.mayBe(i) || i.conf != nil && i.conf.Match != nil || i.conf == nil && (i.services > 0 || i.site.who != "") {
			continue
		}
		if i.conf == nil {
			delete(s.byKey, key)
			i.key, i.site = p.key(role), p.site
		}
		s.know(p.key(role), i)
		return i
	}
	if p.site.who != "" {
		return nil
	}
	// Started by hand: the service whose unit is stopped.
	return s.first(func(i *instanceState) bool {
		return i.services == 0 && i.conf == nil && i.site.container == "" && i.jobs.key == p.jobs.key && i.stranger == p.stranger
	})
}

func (p *workdir) formerKeys() []string {
	keys := make([]string, 0, len(p.former))
	for _, key := range p.former {
		keys = append(keys, key+p.stranger)
	}
	return keys
}

// ofFolder finds the instance with the jobs folder of a run, wherever that runs.
func (s *instanceSet) ofFolder(p workdir) *instanceState {
	if i := s.byKey[p.jobs.key+p.stranger]; i != nil && p.site.mayBe(i) {
		return i
	}
	return s.first(func(i *instanceState) bool {
		return i.jobs.key == p.jobs.key && i.stranger == p.stranger && p.site.mayBe(i)
	})
}

// first is the first by ID, of those that run before those that do not.
func (s *instanceSet) first(fits func(*instanceState) bool) (found *instanceState) {
	for _, i := range s.byKey {
		if !fits(i) {
			continue
		}
		if found == nil || i.own > 0 && found.own == 0 || (i.own > 0) == (found.own > 0) && i.id < found.id {
			found = i
		}
	}
	return found
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
	if known := s.byKey[p.folderKey()]; known == nil || known.conf == nil && known.own == 0 {
		s.know(p.folderKey(), i)
	}
	return i
}

// ofCheckout finds the instance of a checkout for a run with another jobs folder: a thousand such
// runs are one instance. Where several have the checkout, the first by ID has the run.
func (s *instanceSet) ofCheckout(p workdir) *instanceState {
	if p.checkout.key == "" {
		return nil
	}
	return s.first(func(i *instanceState) bool {
		return i.checkout.key == p.checkout.key && i.stranger == p.stranger && p.site.mayBe(i)
	})
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
		if p.site.private() && s.onHost(i.conf) {
			continue // in his own namespace everybody has a folder of that name
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

// onHost says that the host has what the configuration names.
func (s *instanceSet) onHost(c *Configured) bool {
	path := c.Path
	if c.JobsPath != "" {
		path = absolute(c.Path, c.JobsPath)
	}
	return exists(s.files.hostRoot(), filepath.Clean(path))
}

// owned are the jobs folders of instances that are those of the folder's owner.
func owned(all []*instanceState) map[string]bool {
	folders := make(map[string]bool, len(all))
	for _, i := range all {
		if i.stranger == "" {
			folders[i.jobs.key] = true
		}
	}
	return folders
}

// usesOwners says that an instance of a stranger would have the jobs of the instance whose checkout
// it is. They are shown once, there.
func (i *instanceState) usesOwners(owned map[string]bool) bool {
	return i.stranger != "" && i.conf == nil && i.jobs.key != "" && owned[i.jobs.key]
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

// forget drops the discovered ones that were not seen for too long, or that were removed.
func (s *instanceSet) forget(now time.Time, after time.Duration) {
	var removed []*instanceState
	for key, i := range s.byKey {
		switch {
		case i.conf != nil:
		case now.Sub(i.lastSeen) > after:
			delete(s.byKey, key)
		case s.removed(i, now):
			removed = append(removed, i)
		}
	}
	s.forgetRemoved(removed, now)
}
