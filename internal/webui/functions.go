package webui

import (
	"math"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// functionOther stands for the sum of all functions that are not named.
const functionOther = "other"

// functionNames are the functions that are counted separately. Gradio numbers the names that come
// again: in FaceFusion 3.5.0 to 3.8.1 start, run, stop and clear are the instant runner, start_1,
// run_1 and stop_1 the job runner, apply is the job manager, read_logs the terminal's poll, and
// update_job_dataframe the list of the jobs layout. Over 200 more are of no interest one by one.
var functionNames = [...]string{
	"apply", "clear", functionOther, "read_logs", "run", "run_1", "start", "start_1", "stop", "stop_1", "update_job_dataframe",
}

// functionCounters count what Gradio says of them, over all processes that served the port.
type functionCounters struct {
	tallies map[string]*counterValue
	// known says that the last answer was understood.
	known bool
	// asked is when the process answered last.
	asked time.Time
	// polls were counted at polled; viewers is what that says.
	polls   int64
	polled  time.Time
	viewers reading.Value[int64]
}

// PollFunctions are called by open tabs and by nobody else.
var PollFunctions = [...]string{pollTerminal}

const (
	// pollTerminal is called every half second by each open tab.
	pollTerminal     = "read_logs"
	pollsPerSecond   = 2
	shortestPollTime = time.Second
)

// countViewers compares the polls of two answers of one process.
func (fs *functionCounters) countViewers(polls int64, now time.Time) {
	elapsed := now.Sub(fs.polled)
	if !fs.polled.IsZero() && elapsed < shortestPollTime {
		return
	}
	if !fs.polled.IsZero() && polls >= fs.polls {
		fs.viewers = reading.Known(int64(math.Round(float64(polls-fs.polls) / elapsed.Seconds() / pollsPerSecond)))
	}
	fs.polls, fs.polled = polls, now
}

type counterValue struct {
	requests, failed summedCounter
	last             functionStats
}

func newFunctions() functionCounters {
	tallies := make(map[string]*counterValue, len(functionNames))
	for _, name := range functionNames {
		tallies[name] = &counterValue{}
	}
	return functionCounters{tallies: tallies}
}

// read takes an answer. What a process that was there before us had counted is not ours: such a
// process is old.
func (fs *functionCounters) read(usages map[string]functionStats, old bool, now time.Time) {
	if fs.decreased(usages) {
		fs.restart()
		old = false
	}
	for name, t := range fs.tallies {
		u := usages[name]
		t.requests.read(u.requests, old)
		if u.failed.Known {
			t.failed.read(u.failed.V, old)
		}
		t.last = u
	}
	fs.known, fs.asked = true, now
	fs.countViewers(usages[pollTerminal].requests, now)
}

// decreased says that another process answers than before.
func (fs *functionCounters) decreased(usages map[string]functionStats) bool {
	for name, t := range fs.tallies {
		if usages[name].requests < t.requests.current {
			return true
		}
	}
	return false
}

// restart says that the next answer comes from a new process.
func (fs *functionCounters) restart() {
	fs.asked, fs.polled, fs.viewers = time.Time{}, time.Time{}, reading.Value[int64]{}
	for _, t := range fs.tallies {
		t.requests.restart()
		t.failed.restart()
		t.last = functionStats{failed: reading.Known[int64](0)}
	}
}

// snapshot lists the functions; without live, only what stays true of a process that is gone.
func (fs *functionCounters) snapshot(live bool) []Function {
	if !fs.known {
		return nil
	}
	list := make([]Function, 0, len(functionNames))
	for _, name := range functionNames {
		t := fs.tallies[name]
		f := Function{Name: name, Requests: t.requests.value()}
		if t.last.failed.Known {
			f.Failed = reading.Known(t.failed.value())
		}
		if live {
			f.Own = Calls{Requests: t.last.requests, Failed: t.last.failed}
			f.P50, f.P90, f.P99 = t.last.p50, t.last.p90, t.last.p99
		}
		list = append(list, f)
	}
	return list
}

// summedCounter is a total over several processes, each of which counts from zero.
type summedCounter struct {
	// base is the sum over the processes before, current what this one counted, offset what of it
	// is not ours.
	base, current, offset int64
	begun                 bool
}

func (c *summedCounter) read(v int64, old bool) {
	if !c.begun && old {
		c.offset = v
	}
	c.begun = true
	c.current = max(c.current, v)
}

func (c *summedCounter) restart() { *c = summedCounter{base: c.value()} }

func (c *summedCounter) value() int64 { return c.base + c.current - c.offset }
