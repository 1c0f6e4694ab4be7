package jobprobe

import (
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

// gpuAccounting reads the GPUs for the runs under way. The goroutine that observes the GPUs has it
// read, the one that observes the jobs says what begins and ends.
type gpuAccounting struct {
	mu   sync.Mutex
	gpus map[string]*gpuState
	runs map[runKey]*accountedRun
}

// gpuState is what is remembered of a GPU.
type gpuState struct {
	energy  energyCurve
	sampled time.Time
	shares  map[string]snapshots.GPUShare
	seen    time.Time
}

// runKey distinguishes runs of the same id in two folders.
type runKey struct {
	instance string
	run      jobqueue.RunID
}

type accountedRun struct {
	instances []string
	whole     *spanUsage
	// step is the one that runs, -1 between two; its gauge is current.
	step      int
	stepUsage *spanUsage
	ended     map[int]gpuConsumption
}

func newGPUAccounting() *gpuAccounting {
	return &gpuAccounting{gpus: make(map[string]*gpuState), runs: make(map[runKey]*accountedRun)}
}

// observe takes in what the GPUs say.
func (m *gpuAccounting) observe(work *snapshots.GPUWork) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range work.GPUs {
		g := &work.GPUs[i]
		reader := m.gpus[g.ID]
		if reader == nil {
			reader = &gpuState{}
			m.gpus[g.ID] = reader
		}
		reader.seen = work.Time
		reader.energy.observe(g, work.Time)
		if g.Sampled.Equal(reader.sampled) {
			continue
		}
		before := reader.sampled
		reader.sampled, reader.shares = g.Sampled, g.Shares
		for _, run := range m.runs {
			run.whole.observe(g, before, run.instances)
			if run.stepUsage != nil {
				run.stepUsage.observe(g, before, run.instances)
			}
		}
	}
	for id, reader := range m.gpus { // one that is gone, or was divided
		if work.Time.Sub(reader.seen) > maxGap {
			delete(m.gpus, id)
		}
	}
}

// energyOf a GPU; nil for one that is not known.
func (m *gpuAccounting) energyOf(id string) *energyCurve {
	if reader := m.gpus[id]; reader != nil {
		return &reader.energy
	}
	return nil
}

// follow begins what began and ends what ended. What is neither under way nor has ended just now is
// forgotten.
func (m *gpuAccounting) follow(snapshot *jobqueue.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := make(map[runKey]bool, len(m.runs))
	for i := range snapshot.Queues {
		q := &snapshot.Queues[i]
		for _, run := range q.Open {
			key := runKey{q.Instances[0], run.RunID}
			open[key] = true
			m.step(key, q.Instances, run)
		}
	}
	for i := range snapshot.Changes {
		if c := &snapshot.Changes[i]; c.Ended && c.Run != nil {
			open[runKey{c.Instance, c.Run.RunID}] = true
		}
	}
	for key := range m.runs {
		if !open[key] {
			delete(m.runs, key)
		}
	}
}

// step moves on to the step that runs now.
func (m *gpuAccounting) step(key runKey, instances []string, run *jobqueue.Run) {
	r := m.runs[key]
	if r == nil {
		if !run.Started.Known {
			return
		}
		r = &accountedRun{instances: instances, whole: newSpanUsage(run.Started.V, m, instances), step: -1, ended: make(map[int]gpuConsumption)}
		m.runs[key] = r
	}
	now := running(run)
	if r.step == now {
		return
	}
	next := time.Time{}
	if now >= 0 {
		next = run.Steps[now].Started.V
	}
	r.endStep(run, next, m)
	if now >= 0 {
		r.step, r.stepUsage = now, newSpanUsage(next, m, instances)
	}
}

// running is the index of the step that runs, -1 where none does.
func running(run *jobqueue.Run) int {
	for i := range run.Steps {
		if s := &run.Steps[i]; s.Started.Known && s.Outcome == "" {
			return i
		}
	}
	return -1
}

// endStep ends the step that ran, when it says itself or at the latest.
func (r *accountedRun) endStep(run *jobqueue.Run, latest time.Time, m *gpuAccounting) {
	if r.step < 0 {
		return
	}
	end := latest
	if r.step < len(run.Steps) && run.Steps[r.step].Ended.Known {
		end = run.Steps[r.step].Ended.V
	}
	if !end.IsZero() {
		r.ended[r.step] = r.stepUsage.end(end, m)
	}
	r.step, r.stepUsage = -1, nil
}

// endRun ends a run and returns what it consumed, as a whole under jobqueue.RootSpan and by step. A
// run that was over before it was seen is not among them.
func (m *gpuAccounting) endRun(instance string, run *jobqueue.Run, end time.Time) map[int]gpuConsumption {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := runKey{instance, run.RunID}
	r := m.runs[key]
	if r == nil {
		return nil
	}
	delete(m.runs, key)
	r.endStep(run, end, m)
	r.ended[jobqueue.RootSpan] = r.whole.end(end, m)
	return r.ended
}

// putConsumption gives a span what is known of it.
func putConsumption(span ptrace.Span, c gpuConsumption) {
	a := span.Attributes()
	if len(c.GPUs) > 0 {
		ids := a.PutEmptySlice("facefusion.gpu.ids")
		for _, id := range c.GPUs {
			ids.AppendEmpty().SetStr(id)
		}
	}
	if c.Memory.Known {
		a.PutInt("facefusion.gpu.memory.usage.max", c.Memory.V)
	}
	if c.Busy.Known {
		a.PutDouble("facefusion.gpu.utilization.max", c.Busy.V)
	}
	if c.Energy.Known {
		// the driver counts millijoules
		a.PutDouble("facefusion.gpu.energy", math.Round(1000*c.Energy.V)/1000)
	}
}
