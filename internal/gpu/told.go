package gpu

import "time"

// told is what Collect said last of each GPU. Sample buffers and processes are read every few seconds, so a window that was opened a moment ago is empty:
// a scrape that comes early, or very often, is then told the same once more, and not that there is nothing. It belongs to Collect.
type told map[string]*lastTold

type lastTold struct {
	utilization map[Task]toldWindow
	processes   map[int]ProcessUtilization
	processesAt time.Time
}

type toldWindow struct {
	Window
	at time.Time
}

// fill returns the windows, and for those that are empty what was told of them no longer than maxAge ago.
func (t told) fill(uuid string, windows map[Task]Window, processes map[int]ProcessUtilization, now time.Time, maxAge time.Duration) (map[Task]Window, map[int]ProcessUtilization) {
	last := t[uuid]
	if last == nil {
		last = &lastTold{utilization: make(map[Task]toldWindow, len(tasks))}
		t[uuid] = last
	}
	fresh := func(at time.Time) bool { age := now.Sub(at); return age >= 0 && age <= maxAge }
	for _, task := range tasks {
		if w, there := windows[task]; there {
			last.utilization[task] = toldWindow{w, now}
		} else if w, there := last.utilization[task]; there && fresh(w.at) {
			if windows == nil {
				windows = make(map[Task]Window, len(tasks))
			}
			windows[task] = w.Window
		}
	}
	if processes != nil {
		last.processes, last.processesAt = processes, now
	} else if fresh(last.processesAt) {
		processes = last.processes
	}
	return windows, processes
}
