package process

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"time"
)

// instanceState is what is remembered of an installation while its processes come and go.
type instanceState struct {
	id string
	// key is what it is known by, site where it runs. keys are those of a configured one, the first
	// is the oldest.
	key     string
	keys    []string
	site    site
	conf    *Configured // nil for a discovered one
	version string
	// versionOf is the start of the process that the version was read for: the newest wins.
	versionOf uint64
	checkout  folder
	jobs      folder
	// jobsPath opens the jobs folder from here, through process jobsVia unless that is 0.
	jobsPath string
	jobsVia  int
	lastSeen time.Time
	// own counts the live processes that are not children.
	own int
	// callers counts those of them that joined for their runs.
	callers int
	// ownEnded is when the last of them ended or left.
	ownEnded time.Duration
	// services counts those of them that are servers or services, and vacated is when the last of
	// these ended or left.
	services int
	vacated  time.Duration
	// stranger is the user whose it is, where that is not the one of the checkout.
	stranger string
	// uid is the user whose process made a discovered one known.
	uid int
	// claimants are the users of its processes, or of those that were its last.
	claimants Claimants
	// settled says that more than a check or an installer was ever seen of it.
	settled bool
	// ended are the services that are missed, the one that ended first is first.
	ended []EndedService
	// runFolders are jobs folders beside its own, by key.
	runFolders map[string]*namedFolder
	// seen says that a process of it was seen since the Table looks.
	seen bool
	// configuration is how a configured one fits the host.
	configuration configuredMatch
	totals        map[Role]*roleTotals
	// around is the container of its processes; nil while none runs.
	around *enclosure
	// port is where its service listens, or did last, which distinguishes it from its siblings; 0
	// while that is not known.
	port uint16
	// born is when its first process was seen; zero for one that is restored, and once it has taken
	// the place of another.
	born time.Time
	// gone is since when its container does not exist any more; zero while it does, or may.
	gone time.Time
	// asked is when that was asked last.
	asked time.Time
}

// totalsOf returns those of a role, which from then on is reported for as long as the instance is
// known.
func (i *instanceState) totalsOf(r Role) *roleTotals {
	t := i.totals[r]
	if t == nil {
		t = &roleTotals{exits: map[ExitReason]uint64{}}
		i.totals[r] = t
	}
	return t
}

// enter counts a process that is no child.
func (i *instanceState) enter(m *trackedProcess) {
	i.own++
	if m.alone {
		i.callers++
	}
	if m.serving() {
		i.services++
	}
}

// leave counts one that has ended, or is another instance's.
func (i *instanceState) leave(m *trackedProcess, at time.Duration) {
	i.own--
	if m.alone {
		i.callers--
	}
	i.ownEnded = at
	if m.serving() {
		i.services--
		i.vacated = at
	}
}

// serving says that a process may be what its instance is there for. What joined for its runs may
// be anybody's.
func (m *trackedProcess) serving() bool { return m.role.lasting() && !m.alone }

// locate takes over where a newly found process works. The paths of the first process stay: when
// two checkouts share a jobs folder, the instance keeps the name of the one that was there first.
func (i *instanceState) locate(f *files, m *trackedProcess, p workdir) {
	if p.version != "" && m.StartTicks >= i.versionOf {
		i.version, i.versionOf = p.version, m.StartTicks
	}
	if i.checkout.inner == "" {
		i.checkout = p.checkout
	}
	if i.jobs.inner == "" {
		i.jobs = p.jobs
		if p.temporary && p.checkout.inner != "" {
			i.jobs = f.locate(m.PID, p.checkout.inner+"/"+defaultJobsPath)
		}
	}
	if i.jobsPath == "" || i.jobsVia == 0 && !f.reachesHost(i.jobsPath) {
		i.open(f, m.PID)
	}
}

// open finds a way to the jobs folder for as long as the process lives, or for longer.
func (i *instanceState) open(f *files, pid int) {
	opened, lasting := f.openable(i.jobs, pid)
	i.jobsPath, i.jobsVia = opened, pid
	if lasting || opened == "" {
		i.jobsVia = 0
	}
}

// name makes an ID for a discovered instance: the name of its checkout, and as much of a hash of
// its identity as makes it unique.
func name(checkout, key string, taken func(string) bool) string {
	base := sanitize(path.Base(checkout))
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:])
	id := base + "-" + hash
	for n := 4; n < len(hash); n += 4 {
		if short := base + "-" + hash[:n]; !taken(short) {
			return short
		}
	}
	return id
}

// maxBase bounds the readable part of an ID.
const maxBase = 48

// sanitize keeps to characters that need no quoting anywhere.
func sanitize(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		default:
			return '-'
		}
	}, s)
	s = strings.Trim(s[:min(len(s), maxBase)], "-.")
	if s == "" {
		return "facefusion"
	}
	return s
}

// publish copies the instance for a snapshot. Live are its processes.
func (i *instanceState) publish(live []*trackedProcess, c *clock) Instance {
	out := Instance{
		ID: i.id, Version: i.version, Configured: i.conf != nil, Configuration: i.configuration.state, Unfit: i.configuration.unfit, Expected: i.expected(),
		LastSeen: i.lastSeen, UID: i.uid,
		Ended: slices.Clone(i.ended), Stopped: i.stopped(), Container: i.publishContainer(),
		Checkout: i.checkout.inner, JobsPath: i.jobs.inner, JobsHostPath: i.jobsPath,
	}
	byRole := make(map[Role][]*trackedProcess, len(i.totals))
	own, refused := 0, 0
	bystanders := i.bystanders() > 0
	for _, m := range live {
		if !m.role.Child() {
			own++
			if m.denied&deniedClaim != 0 {
				refused++
			}
		}
		out.Restricted = out.Restricted || !m.role.Child() && m.denied&deniedCheckout != 0
		byRole[m.role] = append(byRole[m.role], m)
		p := Process{ID: m.ID, Role: m.role, Rule: string(m.rule), Command: m.command(), Started: c.started(m.StartTicks), TempPath: m.temp, CPU: m.used.seconds(), Paths: m.paths}
		p.Bystander = m.alone && bystanders
		p.Target, p.Output = m.stepPaths()
		p.Job = m.namedJob()
		out.Processes = append(out.Processes, p)
		if m.role == RoleServer || m.role == RoleService && m.listened {
			out.Servers = append(out.Servers, m.port.asServer(m.ID))
		}
	}
	if now := claimantsOf(live); len(now) > 0 {
		i.claimants = now
	}
	out.Claimants, out.JobsNamed = i.claimants, i.conf != nil && i.conf.JobsPath != ""
	out.ClaimRefused = own > 0 && refused == own
	for role, t := range i.totals {
		out.Roles = append(out.Roles, t.sum(role, byRole[role], c))
	}
	slices.SortFunc(out.Roles, func(a, b RoleUsage) int { return cmp.Compare(a.Role, b.Role) })
	return out
}
