package recordlog

// slack is how much of dead values may lie between live ones before they are copied together.
const slack = 2 * segmentSize

// reclaim removes files without live values, and copies live values out of the oldest one when too
// much between them is dead. Only the oldest file ever goes: so what deletes a value is never gone
// before the value.
func (l *Journal) reclaim() {
	for l.removable() {
		s := l.segments[0]
		l.segments = l.segments[1:]
		_ = s.remove() // what could not be removed is dead at the next start as well
	}
	var size, live int64
	for _, s := range l.segments {
		size, live = size+s.size, live+s.liveBytes
	}
	if l.err != nil || len(l.segments) < 2 || size <= 2*live+slack {
		return
	}
	if l.copyOut(l.segments[0]) == nil && l.removable() {
		s := l.segments[0]
		l.segments = l.segments[1:]
		_ = s.remove()
	}
}

// removable says whether the oldest file can go. The active one stays.
func (l *Journal) removable() bool {
	if len(l.segments) == 0 || l.segments[0].live > 0 {
		return false
	}
	return len(l.segments) > 1 || !l.active
}

// copyOut writes the live values of a segment anew.
func (l *Journal) copyOut(s *segment) error {
	var changes []Operation
	for key, at := range l.index {
		if at.segment != s {
			continue
		}
		if value := l.value(key); value != nil {
			changes = append(changes, Operation{key, value})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return l.append(changes)
}
