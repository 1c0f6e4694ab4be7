package gpu

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// publish stores the snapshot of this pass as the latest one, and returns the errors of the pass.
func (s *Sampler) publish(now time.Time) error {
	s.keepIdentities()
	library := s.connection.library
	devices := make([]Device, 0, max(len(s.slots), len(s.known)))
	var oldest time.Time
	var trouble []error
	if library.State == LibraryFailed || library.State == LibraryRestartRequired {
		trouble = append(trouble, library.Err)
	}
	for _, slot := range s.slots {
		d, ok := s.deviceOf(slot)
		if !ok || has(devices, d.UUID) {
			continue
		}
		devices = append(devices, d)
		if d.Answers() {
			devices = append(devices, slot.last.migDevices...)
			if slot.asked.Before(now) && !slot.asked.IsZero() && (oldest.IsZero() || slot.asked.Before(oldest)) {
				oldest = slot.asked
			}
		}
		if slot.last.err != nil && d.Health != HealthOK && d.Reason != ReasonNoPermission {
			trouble = append(trouble, fmt.Errorf("gpu %d: %w", d.Index, slot.last.err))
		}
	}
	s.forget(devices, now)
	for _, id := range s.known {
		if has(devices, id.UUID) {
			continue
		}
		gone := s.missingDevice(id)
		devices = append(devices, gone.device)
		if gone.device.Reason == ReasonLost {
			trouble = append(trouble, fmt.Errorf("gpu %d: %w", id.Index, gone.err))
		}
	}
	s.reportCounts(devices)
	kernelLog := s.readKernelLog()
	s.fillXIDs(devices)
	snapshot := &Snapshot{Time: now, Oldest: oldest, Library: library, Devices: devices, KernelLog: kernelLog, Unmatched: s.unmatched()}
	snapshot.Beyond = s.connection.beyond
	snapshot.DuplicateUUIDs = s.shared.identities.duplicates()
	snapshot.XIDs, snapshot.XIDsSuppressed = s.shared.xids.TakeEvents()
	snapshot.XIDsUnmatched, snapshot.XIDWatch = s.shared.xids.Unmatched(), s.shared.xids.Watched()
	s.latest.Store(snapshot)
	return errors.Join(trouble...)
}

// keepIdentities records the identity of every GPU that was seen, and removes a UUID that turned
// out to be a duplicate.
func (s *Sampler) keepIdentities() {
	s.known = slices.DeleteFunc(s.known, func(id Identity) bool { return s.shared.identities.isDuplicate(id.UUID) })
	for _, slot := range s.slots {
		id := slot.last.device.Identity
		if id.UUID == "" || slot.last.skipped || s.shared.identities.isDuplicate(id.UUID) {
			continue
		}
		i := slices.IndexFunc(s.known, func(k Identity) bool { return k.UUID == id.UUID })
		if i < 0 {
			s.known = append(s.known, id)
		} else {
			s.known[i] = id
		}
	}
}

// forget removes GPUs that a working driver has not listed for Settings.ForgetAfter: they were
// removed on purpose. Until then such a GPU is reported as lost. A GPU that comes back continues
// its counters.
func (s *Sampler) forget(listed []Device, now time.Time) {
	if s.connection.library.State != LibraryAvailable {
		s.listedAt = time.Time{} // nothing is listed, so this time does not count
		return
	}
	var passed time.Duration
	if !s.listedAt.IsZero() {
		passed = max(0, now.Sub(s.listedAt))
	}
	s.listedAt = now
	s.known = slices.DeleteFunc(s.known, func(id Identity) bool {
		gone, noted := s.unlisted[id.UUID]
		switch {
		case has(listed, id.UUID):
			delete(s.unlisted, id.UUID)
		case !noted:
			s.unlisted[id.UUID] = 0
		case gone+passed < s.forgetAfter:
			s.unlisted[id.UUID] = gone + passed
		default:
			delete(s.unlisted, id.UUID)
			return true
		}
		return false
	})
}

// deviceOf returns the device of a slot. A GPU whose identity cannot be read is assumed to be the
// one that had this index last.
func (s *Sampler) deviceOf(slot *slot) (Device, bool) {
	d := slot.last.device
	if slot.last.skipped {
		return d, false
	}
	if s.connection.session == nil && slot.last.err == nil {
		// Its readings are from before the library was lost.
		return d, false
	}
	if d.UUID == "" {
		d.Identity = s.lastAt(slot.index)
	}
	if !slot.hasOutcome {
		// Its first pass is under way. Before it has ended, only a known GPU is reported.
		d.Health, d.Reason = HealthOK, ReasonNone
		return d, d.UUID != ""
	}
	return d, true
}

// lastAt returns the identity that was last seen at an index.
func (s *Sampler) lastAt(index int) Identity {
	for _, id := range s.known {
		if id.Index == index {
			return id
		}
	}
	return Identity{Index: index}
}

// missingDevice returns the result for a GPU that the driver does not list any more, or that cannot
// be read because the library is not available.
func (s *Sampler) missingDevice(id Identity) passResult {
	switch s.connection.library.State {
	case LibraryAvailable:
		return failed(id, ErrLost)
	case LibraryReleased, LibrarySuspended:
		return passResult{device: Device{Identity: id, Health: HealthOK, Suspended: s.connection.library.State == LibrarySuspended}}
	}
	return passResult{device: Device{Identity: id, Health: HealthFailed, Reason: ReasonDriverError}, err: s.connection.library.Err}
}

// has reports whether a list contains a GPU. An empty UUID matches none.
func has(devices []Device, uuid string) bool {
	return uuid != "" && slices.ContainsFunc(devices, func(d Device) bool { return d.UUID == uuid })
}

// unmatched returns the entries of the selection that match no GPU, once all GPUs were identified.
func (s *Sampler) unmatched() []string {
	if s.shared.selection.empty() || len(s.slots) == 0 {
		return s.latest.Load().Unmatched
	}
	ids := make([]Identity, 0, len(s.slots))
	for _, slot := range s.slots {
		id := slot.last.device.Identity
		if !slot.hasOutcome || id.UUID == "" && !slot.last.skipped {
			return s.latest.Load().Unmatched
		}
		ids = append(ids, id)
	}
	return s.shared.selection.unmatched(ids)
}
