package process

import (
	"cmp"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// ContainerUsage is what is around the processes of an instance: a container, or a service of
// systemd.
type ContainerUsage struct {
	container.Location
	container.Names
	container.Usage
	// Network is that of the network namespace; unknown in the host's own, which others use, too.
	Network container.Network
}

// enclosure is what is around a process. That of an instance is the one of its oldest service, else
// of its oldest run, and stays the same while a process lives in it: its counters are of one group.
type enclosure struct {
	// of is a process in it.
	of       ID
	location container.Location
	view     container.View
	names    container.Names
	usage    container.Usage
	// network is that of process of, if its namespace is one of its own.
	network container.Network
	foreign bool
	// due is when it is looked up again.
	due time.Duration
	// turn says what of usage is read next.
	turn  int
	kills oomKills
}

// oomKills compares the count of processes that the kernel killed for memory. The count rises
// before a process is seen to have ended, so it is compared with that of the reading before last.
type oomKills struct{ before, last reading.Value[int64] }

func (k *oomKills) read(count reading.Value[int64]) { k.before, k.last = k.last, count }

// took says whether one was killed since, and counts it as explained.
func (k *oomKills) took(count reading.Value[int64]) bool {
	known := k.before
	if !known.Known {
		known = k.last
	}
	if !known.Known || !count.Known || count.V <= known.V {
		return false
	}
	known.V++
	k.before, k.last = known, known
	return true
}

// How often it is looked up where the process is, and what that is: a runtime may write its names
// late, and a process can be moved.
const (
	lookupEvery           = time.Minute
	lookupIncompleteEvery = 10 * time.Second
)

// readContainers reads what is around each instance that runs.
func (t *Table) readContainers() {
	speakers := make(map[*instanceState][]*trackedProcess)
	for _, m := range t.members {
		if !m.role.Child() && !m.provisional {
			speakers[m.instance] = append(speakers[m.instance], m)
		}
	}
	for _, i := range t.instances.all() {
		list := speakers[i]
		switch {
		case len(list) > 0 && i.around == nil:
			i.around = t.enclose(slices.MinFunc(list, speaksBefore))
		case len(list) > 0:
			t.stay(i, list)
		case !t.endingUnknown(i):
			i.around = nil
		}
	}
}

// stay keeps the enclosure of an instance while one of its speakers is in it.
func (t *Table) stay(i *instanceState, speakers []*trackedProcess) {
	first := slices.MinFunc(speakers, speaksBefore)
	may := func(m *trackedProcess) bool { return m.role.lasting() || !first.role.lasting() }
	of := t.members[i.around.of.PID]
	lives := of != nil && of.ID == i.around.of && of.instance == i && may(of)
	if lives && t.at < i.around.due {
		t.readInTurn(i.around)
		return
	}
	slices.SortFunc(speakers, func(a, b *trackedProcess) int {
		if lives && (a == of) != (b == of) {
			if a == of {
				return -1
			}
			return 1
		}
		return speaksBefore(a, b)
	})
	for _, m := range speakers[:min(len(speakers), maxSpeakers)] {
		if may(m) && t.same(i.around, m) {
			t.readInTurn(i.around)
			return
		}
	}
	i.around = t.enclose(first)
}

// maxSpeakers is of how many processes it is asked whether they are in the same groups.
const maxSpeakers = 16

// same says whether a process is in an enclosure, and makes it the one to read by.
func (t *Table) same(a *enclosure, m *trackedProcess) bool {
	location, ok := t.files.location(m.PID)
	if !ok || !a.location.Same(&location) {
		return false
	}
	a.of, a.foreign = m.ID, t.files.foreignNetwork(m.PID)
	t.identify(a)
	return true
}

// identify finds the names and the groups, as far as they are not known.
func (t *Table) identify(a *enclosure) {
	if a.names == (container.Names{}) {
		a.names = t.files.containerNames(a.of.PID, &a.location)
	}
	if !a.view.Complete() {
		a.view = t.groups.View(&a.location)
	}
	a.due = t.at + lookupEvery
	if !a.view.Complete() || a.location.ID != "" && a.location.PodUID == "" && a.names.Name == "" {
		a.due = t.at + lookupIncompleteEvery
	}
}

// speaksBefore prefers services, then those that are there for longer.
func speaksBefore(m, other *trackedProcess) int {
	if m.role.lasting() != other.role.lasting() {
		if m.role.lasting() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(m.StartTicks, other.StartTicks), cmp.Compare(m.PID, other.PID))
}

// endingUnknown says that a process of the instance has ended, and that its reason is not known
// yet.
func (t *Table) endingUnknown(i *instanceState) bool {
	for _, m := range t.exited {
		if m.instance == i {
			return true
		}
	}
	return false
}

// enclose finds what is around a process, and reads all of it. It is looked up again soon where it
// cannot be found.
func (t *Table) enclose(m *trackedProcess) *enclosure {
	a := &enclosure{of: m.ID, due: t.at + lookupIncompleteEvery}
	location, ok := t.files.location(m.PID)
	if !ok {
		return a
	}
	a.location, a.foreign = location, t.files.foreignNetwork(m.PID)
	t.identify(a)
	for part := range container.Parts {
		t.readAround(a, part)
	}
	return a
}

// killsAlone is the part of the memory that has to be read more often than the rest of it.
const killsAlone = container.Parts

// turns are the parts of a reading that are read in one pass after the other, -1 for none: the
// kills as often as it takes to know whose a kill was, the rest within half of the time between two
// scrapes.
var turns = [...]int{0, 1, -1, killsAlone, 2, -1}

// readInTurn reads the next part.
func (t *Table) readInTurn(a *enclosure) {
	if part := turns[a.turn]; part >= 0 {
		t.readAround(a, part)
	}
	a.turn = (a.turn + 1) % len(turns)
}

func (t *Table) readAround(a *enclosure, part int) {
	t.groups.ReadPart(&a.view, part, &a.usage)
	switch part {
	case killsAlone:
		a.usage.OOMKills = t.groups.OOMKills(&a.view)
		a.kills.read(a.usage.OOMKills)
	case 0:
		a.kills.read(a.usage.OOMKills)
	case 1:
		if text, err := t.files.read(t.files.path(a.of.PID, "net/dev"), maxNetDev); a.foreign && err == nil {
			a.network = container.ParseNetwork(text)
		}
	}
}

// oomKilled says whether the kernel killed a process for memory, of which it is known only that it
// was killed, or not even that.
func (t *Table) oomKilled(m *trackedProcess, e ending) bool {
	a := m.instance.around
	if a == nil || e.reason != ExitKilled && e.reason != ExitUnknown {
		return false
	}
	return a.kills.took(t.groups.OOMKills(&a.view))
}

// publishContainer is what is published; nil outside of containers and services.
func (i *instanceState) publishContainer() *ContainerUsage {
	if i.around == nil || !i.around.location.Bounded() {
		return nil
	}
	return &ContainerUsage{Location: i.around.location, Names: i.around.names, Usage: i.around.usage, Network: i.around.network}
}
