package gpu

import "time"

// reportedWindows holds what Collect last reported for each GPU. Sample buffers and processes are
// read every few seconds, so a window that was opened a moment ago is empty: an early or very
// frequent scrape then gets the previous values instead of a gap. Only Collect uses it.
type reportedWindows map[string]*reportedGPU

type reportedGPU struct {
	utilization map[Task]*reportedWindow
	processes   map[int]ProcessUtilization
	processesAt time.Time
	profile     *Profile
	profileAt   time.Time
}

type reportedWindow struct {
	Window
	at    time.Time
	peaks peaks
}

// fill returns the windows. Empty ones are replaced by what was reported at most maxAge ago.
func (t reportedWindows) fill(uuid string, windows map[Task]Window, processes map[int]ProcessUtilization, now time.Time, maxAge time.Duration) (map[Task]Window, map[int]ProcessUtilization) {
	last := t.of(uuid)
	fresh := func(at time.Time) bool { return isFresh(at, now, maxAge) }
	for _, task := range tasks {
		reported := last.utilization[task]
		if w, there := windows[task]; there {
			if reported == nil {
				reported = &reportedWindow{}
				last.utilization[task] = reported
			}
			reported.Window, reported.at = w, now
		} else if reported != nil && fresh(reported.at) {
			if windows == nil {
				windows = make(map[Task]Window, len(tasks))
			}
			windows[task] = reported.Window
		}
	}
	if processes != nil {
		last.processes, last.processesAt = processes, now
	} else if fresh(last.processesAt) {
		processes = last.processes
	}
	return windows, processes
}

// fillPeaks sets Peak of each window to the highest value within length. closed means that these
// windows end now.
func (t reportedWindows) fillPeaks(uuid string, windows map[Task]Window, now time.Time, length time.Duration, closed bool) {
	last := t.of(uuid)
	for task, w := range windows {
		reported := last.utilization[task]
		running := 0.0
		if reported.at.Equal(now) {
			running = w.Max
		}
		w.Peak = reported.peaks.highest(running, now, length)
		if closed {
			reported.peaks.add(running, now)
		}
		windows[task] = w
	}
}

// fillProfile is fill for the profile of the engines.
func (t reportedWindows) fillProfile(uuid string, profile *Profile, now time.Time, maxAge time.Duration) *Profile {
	last := t.of(uuid)
	if profile != nil {
		last.profile, last.profileAt = profile, now
		return profile
	}
	if isFresh(last.profileAt, now, maxAge) {
		return last.profile
	}
	return nil
}

func (t reportedWindows) of(uuid string) *reportedGPU {
	if t[uuid] == nil {
		t[uuid] = &reportedGPU{utilization: make(map[Task]*reportedWindow, len(tasks))}
	}
	return t[uuid]
}

// isFresh reports whether at is at most maxAge before now. It is false after the clock was set
// back.
func isFresh(at, now time.Time, maxAge time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age <= maxAge
}
