package process

import (
	"cmp"

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

// enclosure are what is around a process. Those of an instance are the ones of its oldest
// service, else of its oldest run.
type enclosure struct {
	of       ID
	location container.Location
	view     container.View
	names    container.Names
	usage    container.Usage
	// network is that of process of, if its namespace is one of its own.
	network container.Network
	foreign bool
	// part is what of usage is read next.
	part  int
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

// readContainers reads what is around each instance that runs.
func (t *Table) readContainers() {
	speakers := make(map[*instanceState]*trackedProcess)
	for _, m := range t.members {
		if !m.role.Child() && !m.provisional && speaksBefore(m, speakers[m.instance]) {
			speakers[m.instance] = m
		}
	}
	for _, i := range t.instances.all() {
		m := speakers[i]
		switch {
		case m == nil:
			if !t.endingUnknown(i) {
				i.around = nil
			}
		case i.around == nil || i.around.of != m.ID:
			i.around = t.enclose(m)
		default:
			t.readAround(i.around)
		}
	}
}

// speaksBefore prefers services, then those that are there for longer.
func speaksBefore(m, other *trackedProcess) bool {
	if other == nil {
		return true
	}
	if m.role.lasting() != other.role.lasting() {
		return m.role.lasting()
	}
	return cmp.Or(cmp.Compare(m.StartTicks, other.StartTicks), cmp.Compare(m.PID, other.PID)) < 0
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

// enclose finds what is around a process, and reads all of it.
func (t *Table) enclose(m *trackedProcess) *enclosure {
	a := &enclosure{of: m.ID}
	text, err := t.files.read(t.files.path(m.PID, "cgroup"), maxCgroup)
	if err != nil {
		return a
	}
	a.location = container.ParseLocation(text)
	t.nameContainer(a)
	a.view = t.groups.View(&a.location)
	a.foreign = t.files.foreignNetwork(m.PID)
	for range container.Parts {
		t.readAround(a)
	}
	return a
}

// readAround reads the next part.
func (t *Table) readAround(a *enclosure) {
	t.groups.ReadPart(&a.view, a.part, &a.usage)
	switch a.part {
	case 0:
		a.kills.read(a.usage.OOMKills)
	case 1:
		if text, err := t.files.read(t.files.path(a.of.PID, "net/dev"), maxNetDev); a.foreign && err == nil {
			a.network = container.ParseNetwork(text)
		}
	}
	a.part = (a.part + 1) % container.Parts
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
