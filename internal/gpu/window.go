package gpu

import (
	"math"
	"sync"
	"time"
)

// tasks holds all tasks. The index of a task here is its index in the arrays of this package.
var tasks = [...]Task{TaskGeneral, TaskEncoder, TaskDecoder, TaskJPEG, TaskOFA, TaskMemory}

// longestSample is the longest time that the driver averages a utilization over (nvml.h,
// nvmlUtilization_t: 1/6 s to 1 s). No value is weighted with more, so that the first one after a
// pause does not count for the pause.
const longestSample = time.Second

// sum adds up fractions, each weighted with the time that it covers.
type sum struct {
	weighted float64
	seconds  float64
	max      float64
	samples  int
}

func (s *sum) add(fraction float64, speaksFor time.Duration) {
	seconds := min(speaksFor, longestSample).Seconds()
	s.weighted += fraction * seconds
	s.seconds += seconds
	s.max = max(s.max, fraction)
	s.samples++
}

func (s *sum) merge(o sum) {
	s.weighted += o.weighted
	s.seconds += o.seconds
	s.max = max(s.max, o.max)
	s.samples += o.samples
}

func (s *sum) window() Window {
	return Window{Mean: rounded(s.weighted / s.seconds), Max: s.max, Samples: s.samples}
}

// rounded removes the rounding errors of the sum: the driver counts in percent.
func rounded(fraction float64) float64 { return math.Round(fraction*1e9) / 1e9 }

// usage holds the running windows of one GPU. Its worker adds samples, Collect reads.
type usage struct {
	mu sync.Mutex
	// observed is the current window.
	observed [len(tasks)]sum
	// polled sums up the values that were polled since the sample buffer was last read. They go
	// into the window only if the buffer has no new entry.
	polled [len(tasks)]sum
	// counters are the monotonic counters. Only the worker uses them.
	counters [QuantityNVLinkReceived + 1]counter
	// failures counts the readings that failed, presence records which are missing.
	failures failureCounter
	presence [fields]presence
	// implausible counts the implausible answers.
	implausible implausibleCounter
	// processes are the windows of the processes on the GPU, profile that of its engines.
	processes processWindows
	profile   profileWindow
}

// poll adds a polled value that covers the given time.
func (u *usage) poll(task int, fraction float64, speaksFor time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.polled[task].add(fraction, speaksFor)
}

// closeStretch ends a stretch of time with the entries of the sample buffer, or with the polled
// values if there are none.
func (u *usage) closeStretch(task int, buffer sum) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if buffer.samples == 0 {
		buffer = u.polled[task]
	}
	u.observed[task].merge(buffer)
	u.polled[task] = sum{}
}

// windows returns the running windows, and starts new ones if reset. A window without an entry of
// the sample buffer yet returns the polled values.
func (u *usage) windows(reset bool) (map[Task]Window, map[int]ProcessUtilization) {
	processes := u.processes.collect(reset)
	u.mu.Lock()
	defer u.mu.Unlock()
	var out map[Task]Window
	for i, task := range tasks {
		s := u.observed[i]
		if s.samples == 0 {
			s = u.polled[i]
			if reset {
				u.polled[i] = sum{}
			}
		}
		if s.samples > 0 {
			if out == nil {
				out = make(map[Task]Window, len(tasks))
			}
			out[task] = s.window()
		}
	}
	if reset {
		u.observed = [len(tasks)]sum{}
	}
	return out, processes
}
