package gpu

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// ProcessMemory is a process with a context on a GPU.
type ProcessMemory struct {
	// PID as the driver reports it. Its PID namespace depends on the driver and on where the
	// collector runs.
	PID int
	// Memory of all its contexts (bytes); absent where the driver does not report it (WDDM, WSL).
	Memory reading.Value[int64]
}

// ProcessUtilization is the utilization of a GPU by one process (fractions from 0 to 1). Means are
// over the whole window, so that those of several processes may be added up.
type ProcessUtilization struct {
	General, Encoder, Decoder Window
}

// processLimit bounds the processes of a GPU. A longer list is implausible.
const processLimit = 4096

// memoryUnknown is NVML_VALUE_NOT_AVAILABLE.
const memoryUnknown = math.MaxUint64

// plausibleProcesses merges the contexts of each process, and reports whether all of them are
// plausible. Entries with PID 0 or more memory than the GPU has are not: the first 535 drivers
// wrote structs of another size (https://github.com/XuehaiPan/nvitop/issues/94).
//
// The driver reports the whole memory of a process in the list of each kind of context, so the
// kinds are not added up; MIG instances are.
func plausibleProcesses(contexts []Context, total reading.Value[int64]) (list []ProcessMemory, plausible bool) {
	plausible = true
	type key struct {
		pid  uint32
		kind ContextKind
	}
	sums := make(map[key]reading.Value[int64], len(contexts))
	for _, c := range contexts {
		if c.PID == 0 || c.PID > math.MaxInt32 || len(sums) >= processLimit {
			plausible = false
			continue
		}
		k := key{c.PID, c.Kind}
		sum, seen := sums[k]
		switch {
		case c.Memory == memoryUnknown:
			sum = reading.Value[int64]{}
		case c.Memory > memoryLimitBytes || total.Known && int64(c.Memory) > total.V:
			plausible = false
			continue
		case !seen:
			sum = reading.Known(int64(c.Memory))
		case sum.Known:
			sum.V += int64(c.Memory)
		}
		sums[k] = sum
	}
	byPID := make(map[int]ProcessMemory, len(sums))
	for k, sum := range sums {
		p := byPID[int(k.pid)]
		p.PID = int(k.pid)
		if sum.Known && (!p.Memory.Known || sum.V > p.Memory.V) {
			p.Memory = sum
		}
		byPID[p.PID] = p
	}
	list = make([]ProcessMemory, 0, len(byPID))
	for _, p := range byPID {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b ProcessMemory) int { return cmp.Compare(a.PID, b.PID) })
	return list, plausible
}

// processFollower follows the driver's samples of processes. Only the GPU's worker uses it.
type processFollower struct {
	last uint64
	at   time.Time
}

// clockSlack is how far the driver's timestamps may be ahead of the host's clock before that counts
// as set back.
const clockSlack = 2 * time.Second

// after returns the timestamp for the next request. The first pass requests everything and discards
// it, because the driver then returns the last sample of each process, however old it is
// (https://github.com/NVIDIA/go-nvml/issues/51).
func (f *processFollower) after(now time.Time) uint64 {
	if f.last > uint64(now.Add(clockSlack).UnixMicro()) {
		f.last, f.at = 0, time.Time{}
	}
	return f.last
}

// follow adds the samples since the last pass to the windows, and reports whether all of them are
// plausible.
func (f *processFollower) follow(samples []ProcessSample, now time.Time, windows *processWindows) (plausible bool) {
	plausible = true
	before, elapsed, first := f.last, now.Sub(f.at), f.at.IsZero()
	f.at = now
	if f.last == 0 {
		// Nothing was returned yet, so the next samples are new.
		f.last = uint64(max(0, now.UnixMicro()))
	}
	fresh := samples[:0]
	for _, s := range samples {
		if s == (ProcessSample{}) || s.Timestamp != 0 && s.Timestamp <= before || s.Timestamp > uint64(now.Add(clockSlack).UnixMicro()) {
			// Never filled, returned before, or from before the clock was set back.
			continue
		}
		if max(s.General, s.Encoder, s.Decoder) > 100 {
			plausible = false
		}
		if s.PID == 0 || s.PID > math.MaxInt32 || s.Timestamp == 0 {
			plausible = false
			continue
		}
		f.last = max(f.last, s.Timestamp)
		fresh = append(fresh, s)
	}
	if !first && elapsed > 0 {
		windows.add(fresh, elapsed)
	}
	return plausible
}

// processWindows are the running windows of the processes on one GPU. Its worker adds samples,
// Collect reads.
type processWindows struct {
	mu sync.Mutex
	// seconds is how long the processes were sampled, whether or not there were any.
	seconds float64
	byPID   map[uint32]*[3]sum
	// activity is the utilization (0 to 1) by each process in the stretch of time that was added
	// last.
	activity map[int]float64
}

// add adds the samples of a stretch of time. A process without a sample was idle.
func (w *processWindows) add(samples []ProcessSample, stretch time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seconds += stretch.Seconds()
	if w.byPID == nil {
		w.byPID = make(map[uint32]*[3]sum)
	}
	entries := make(map[uint32]int, len(samples))
	for _, s := range samples {
		entries[s.PID]++
	}
	for _, s := range samples {
		sums := w.byPID[s.PID]
		if sums == nil {
			if len(w.byPID) >= processLimit {
				continue
			}
			sums = new([3]sum)
			w.byPID[s.PID] = sums
		}
		// Some drivers return several entries for a process, each for a part of the time.
		share := stretch.Seconds() / float64(entries[s.PID])
		for i, percent := range [...]uint32{s.General, s.Encoder, s.Decoder} {
			if f, ok := fraction(float64(percent)); ok {
				sums[i].weighted += f * share
				sums[i].max = max(sums[i].max, f)
				sums[i].samples++
			}
		}
	}
	w.activity = make(map[int]float64, len(entries))
	for _, s := range samples {
		if f, ok := fraction(float64(s.General)); ok {
			w.activity[int(s.PID)] += f / float64(entries[s.PID])
		}
	}
}

// takeActivity returns the activity of the last stretch, once.
func (w *processWindows) takeActivity() map[int]float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	stretch := w.activity
	w.activity = nil
	return stretch
}

// collect returns the windows, or nil before the first sample. It starts new ones if reset.
func (w *processWindows) collect(reset bool) map[int]ProcessUtilization {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seconds == 0 {
		return nil
	}
	out := make(map[int]ProcessUtilization, len(w.byPID))
	for pid, sums := range w.byPID {
		window := func(i int) Window {
			return Window{Mean: min(1, rounded(sums[i].weighted/w.seconds)), Max: sums[i].max, Samples: sums[i].samples}
		}
		out[int(pid)] = ProcessUtilization{General: window(0), Encoder: window(1), Decoder: window(2)}
	}
	if reset {
		w.seconds, w.byPID = 0, nil
	}
	return out
}
