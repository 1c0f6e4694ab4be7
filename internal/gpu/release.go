package gpu

import "time"

// shortestRelease is the minimum time for which the library stays closed, so that a short
// Settings.ReleaseWhenIdle does not reopen it all the time.
const shortestRelease = time.Minute

// releaseIdle closes the library when no process has used a GPU for Settings.ReleaseWhenIdle. An
// open library prevents that GPUs are reset, partitioned or suspended.
func (s *Sampler) releaseIdle(now time.Time) {
	c := &s.connection
	if s.release <= 0 || c.session == nil {
		return
	}
	for _, slot := range s.slots {
		d := &slot.last.device
		idle := slot.hasOutcome && (slot.last.skipped || d.Suspended || d.Processes.Known && len(d.Processes.V) == 0 && noProcesses(slot.last.migDevices))
		if !idle {
			if slot.hasOutcome {
				c.idleSince = time.Time{}
			}
			return
		}
	}
	if c.idleSince.IsZero() {
		c.idleSince = now
	}
	if now.Sub(c.idleSince) < s.release {
		return
	}
	s.disconnect(now)
	c.releasedUntil = now.Add(max(s.release, shortestRelease))
	c.library.State = LibraryReleased
}

func noProcesses(parts []Device) bool {
	for i := range parts {
		if len(parts[i].Processes.V) > 0 {
			return false
		}
	}
	return true
}

// staysClosed reports whether the library must not be opened now.
func (s *Sampler) staysClosed(now time.Time) bool {
	c := &s.connection
	if now.Before(c.releasedUntil) {
		return true
	}
	if s.shared.bus.AllGPUsSuspended() {
		c.library.State, c.library.Err = LibrarySuspended, nil
		return true
	}
	return false
}
