package jobqueue

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// uiID is an id as the instant runner gives.
const uiID, nextUIID, headlessID, nextHeadlessID = "ui-2026-11-22-16-13-21", "ui-2026-11-22-16-14-21", "headless-2026-11-22-16-13-21", "headless-2026-11-22-16-13-25"

// webUI adds a web UI whose Gradio counts its calls.
func (h *harness) webUI() ProcessID {
	h.process(RoleServer, time.Second)
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Command, p.CPU = "run", is(0.0)
	h.evidence.Servers = append(h.evidence.Servers, ServerCalls{ProcessID: p.ProcessID, Functions: map[string]CallCounts{}})
	return p.ProcessID
}

// useServers has the web UIs use CPU time.
func (h *harness) useServers(seconds float64) {
	for i := range h.evidence.Processes {
		if p := &h.evidence.Processes[i]; p.Role == RoleServer {
			p.CPU.V += seconds
		}
	}
}

// runner adds a process of a command.
func (h *harness) runner(command string) ProcessID {
	h.process(RoleRunner, time.Second)
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Command = command
	return p.ProcessID
}

// run starts a runner, and the job that it runs.
func (h *harness) run(command, job string) ProcessID {
	id := h.runner(command)
	h.pass()
	h.job("queued/"+job, "started")
	h.pass()
	return id
}

// watching returns a harness after its first pass, which finds a web UI for the command "run" and a
// runner for any other.
func watching(t *testing.T, settings Settings, commands ...string) *harness {
	t.Helper()
	h := newHarness(t, settings)
	for _, command := range commands {
		if command == "run" {
			h.webUI()
		} else {
			h.runner(command)
		}
	}
	h.pass()
	return h
}

// exit ends a process; an empty reason is a clean end.
func (h *harness) exit(id ProcessID, reason LossReason) {
	var left []LiveProcess
	for _, p := range h.evidence.Processes {
		if p.ProcessID != id {
			left = append(left, p)
		}
	}
	h.evidence.Processes = left
	h.evidence.Exits = append(h.evidence.Exits, Exit{PID: id.PID, Time: h.now, Reason: reason})
}

// calls has Gradio say how often a function was called, and how often it raised an exception.
func (h *harness) calls(function string, requests, failed int64) {
	s := &h.evidence.Servers[len(h.evidence.Servers)-1]
	s.Time = h.now
	functions := map[string]CallCounts{function: {Requests: requests, Failed: reading.Known(failed)}}
	for name, calls := range s.Functions {
		if name != function {
			functions[name] = calls
		}
	}
	s.Functions = functions
}

// rest has Gradio say twice, while nothing runs, how often a function was called.
func (h *harness) rest(function string, requests int64) {
	for range 2 {
		h.calls(function, requests, 0)
		h.tick(15 * time.Second)
	}
}

// asked has Gradio say the same again.
func (h *harness) asked() { h.evidence.Servers[len(h.evidence.Servers)-1].Time = h.now }

// lastRun is that of the last change.
func (h *harness) lastRun() *Run {
	require.NotEmpty(h.t, h.changes)
	run := h.changes[len(h.changes)-1].Run
	require.NotNil(h.t, run)
	return run
}

func (h *harness) orphans() map[LossReason]uint64 { return h.queue().Orphans }

func sumRuns(q *Queue) (n uint64) {
	for _, r := range q.Runs {
		n += r.Count
	}
	return n
}

func TestEvidenceOfSeveralInstances(t *testing.T) {
	now := time.Now()
	a, b := LiveProcess{ProcessID: ProcessID{PID: 1}, Role: RoleServer, Started: now}, LiveProcess{ProcessID: ProcessID{PID: 2}, Role: RoleRunner, Started: now}
	exit, calls := Exit{PID: 3, Time: now, Reason: ReasonKilled}, ServerCalls{ProcessID: a.ProcessID}
	l := gather(Evidence{
		"a": {Time: now, Processes: []LiveProcess{a}, CPU: is(1.0), GPUBusy: is(true), FFmpeg: is(clip), Servers: []ServerCalls{calls}},
		"b": {Time: now.Add(-time.Second), Processes: []LiveProcess{b}, CPU: is(5.0), GPUBusy: is(false), FFmpeg: is(other), Exits: []Exit{exit}},
	}, []string{"a", "b"})
	assert.Equal(t, &folderEvidence{
		listed: now.Add(-time.Second), processes: []LiveProcess{a, b}, exits: []Exit{exit}, servers: []ServerCalls{calls},
		cpu: is(6.0), gpuBusy: is(true), ffmpeg: is(append(slices.Clone(clip), other...)),
	}, l)
	assert.True(t, gather(Evidence{"a": {Time: now}}, []string{"a", "b"}).listed.IsZero(), "of one of them nothing is known")
}
