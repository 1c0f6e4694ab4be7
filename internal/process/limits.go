package process

import "cmp"

const (
	// maxInstances is how many discovered instances are known at once: some 40 series each.
	maxInstances = 256
	// maxUserInstances is how many of them may be one user's: with checkouts that cost him nothing
	// nobody takes the places of all others.
	maxUserInstances = 64
)

// Excess says which processes are reported in no instance, as there are too many.
type Excess struct {
	// Processes are those that a rule fits.
	Processes int
	// First is the oldest of them, UID its user.
	First ID
	UID   int
}

// refused are the processes that found no place, by pid.
type refused map[int]refusedProcess

type refusedProcess struct {
	start uint64
	uid   int
}

// refuse leaves a process out. It is looked at again like a candidate: there may be room by then.
func (t *Table) refuse(o observation, uid int) {
	t.refused[o.pid] = refusedProcess{o.stat.start, uid}
	if r := t.cache.records[o.pid]; r != nil {
		r.program = 0 // the rules of folders are to be asked again
	}
}

// wakeups is how many of those that were left out are looked at when an instance ended.
const wakeups = 16

// overLimit counts the processes that are left out, and forgets those that are gone or found a
// place. When a place became free some of them are looked at in the next pass.
func (t *Table) overLimit() Excess {
	var over Excess
	wake := 0
	if t.freed {
		t.freed, wake = false, wakeups
	}
	for pid, r := range t.refused {
		if !t.outside(pid) {
			delete(t.refused, pid)
			continue
		}
		if wake > 0 {
			t.cache.set(pid, candidate)
			wake--
		}
		id := ID{pid, r.start}
		if over.Processes++; over.Processes == 1 || cmp.Or(cmp.Compare(id.StartTicks, over.First.StartTicks), cmp.Compare(pid, over.First.PID)) < 0 {
			over.First, over.UID = id, r.uid
		}
	}
	return over
}

// room says whether a user may have another instance. Where there are too many, the one that has
// been without a process for longest is forgotten: of his own where he has too many, else of all.
func (s *instanceSet) room(uid int, alive func() map[*instanceState]bool) bool {
	known := s.discovered()
	if len(known) < min(maxUserInstances, maxInstances) {
		return true
	}
	var all, own places
	lives := alive()
	for _, i := range known {
		all.count(i, lives)
		if i.uid == uid {
			own.count(i, lives)
		}
	}
	for _, p := range []struct {
		places
		limit int
	}{{own, maxUserInstances}, {all, maxInstances}} {
		if p.taken < p.limit {
			continue
		}
		if p.idlest == nil {
			return false
		}
		s.remove(p.idlest)
		return true // that freed a place in both
	}
	return true
}

// places counts instances, and remembers the one that has been without a process for longest.
type places struct {
	taken  int
	idlest *instanceState
}

func (p *places) count(i *instanceState, lives map[*instanceState]bool) {
	p.taken++
	if lives[i] {
		return
	}
	if p.idlest == nil || cmp.Or(i.lastSeen.Compare(p.idlest.lastSeen), cmp.Compare(i.id, p.idlest.id)) < 0 {
		p.idlest = i
	}
}

// discovered returns each instance once that no configuration names.
func (s *instanceSet) discovered() map[string]*instanceState {
	list := make(map[string]*instanceState, len(s.byKey))
	for _, i := range s.byKey {
		if i.conf == nil {
			list[i.id] = i
		}
	}
	return list
}

// remove forgets an instance.
func (s *instanceSet) remove(i *instanceState) {
	for key, known := range s.byKey {
		if known == i {
			delete(s.byKey, key)
		}
	}
}

// outside says that a process lives, and is in no instance.
func (t *Table) outside(pid int) bool { return t.cache.records[pid] != nil && t.members[pid] == nil }

// alive are the instances with a process, its children included.
func (t *Table) alive() map[*instanceState]bool {
	live := make(map[*instanceState]bool, len(t.members))
	for _, m := range t.members {
		live[m.instance] = true
	}
	return live
}

// admitted says whether a process may have a new instance, and whose that is. One that may not is
// left out.
func (t *Table) admitted(o observation) (uid int, ok bool) {
	uid = max(0, t.files.userOf(o.pid)) // of one whose user cannot be read there is nothing left
	if !t.instances.room(uid, t.alive) {
		t.refuse(o, uid)
		return 0, false
	}
	return uid, true
}

// ofUser counts a user's.
func (s *instanceSet) ofUser(uid int) (n int) {
	for _, i := range s.discovered() {
		if i.uid == uid {
			n++
		}
	}
	return n
}
