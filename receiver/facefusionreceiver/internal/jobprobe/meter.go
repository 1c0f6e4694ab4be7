package jobprobe

import (
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/board"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
)

// meter reads the GPUs for the runs under way. The goroutine that observes the GPUs has it read, the one that observes the jobs says what begins and ends.
type meter struct {
	mu   sync.Mutex
	gpus map[string]*gpuReader
	runs map[runKey]*meteredRun
}

// gpuReader is what is remembered of a GPU.
type gpuReader struct {
	energy  curve
	sampled time.Time
	shares  map[string]board.GPUShare
	seen    time.Time
}

// runKey tells runs of the same id in two folders apart.
type runKey struct {
	instance string
	run      jobqueue.RunID
}

type meteredRun struct {
	instances []string
	whole     *gauge
	// step is the one that runs, -1 between two; its gauge is current.
	step    int
	current *gauge
	ended   map[int]consumption
}

func newMeter() *meter {
	return &meter{gpus: make(map[string]*gpuReader), runs: make(map[runKey]*meteredRun)}
}

// read takes in what the GPUs say.
func (m *meter) read(work *board.GPUWork) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range work.GPUs {
		g := &work.GPUs[i]
		reader := m.gpus[g.ID]
		if reader == nil {
			reader = &gpuReader{}
			m.gpus[g.ID] = reader
		}
		reader.seen = work.Time
		reader.energy.read(g, work.Time)
		if g.Sampled.Equal(reader.sampled) {
			continue
		}
		before := reader.sampled
		reader.sampled, reader.shares = g.Sampled, g.Shares
		for _, run := range m.runs {
			run.whole.read(g, before, run.instances)
			if run.current != nil {
				run.current.read(g, before, run.instances)
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
func (m *meter) energyOf(id string) *curve {
	if reader := m.gpus[id]; reader != nil {
		return &reader.energy
	}
	return nil
}

// follow begins what began and ends what ended. What is neither under way nor has ended just now is forgotten.
func (m *meter) follow(snapshot *jobqueue.Snapshot) {
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
func (m *meter) step(key runKey, instances []string, run *jobqueue.Run) {
	r := m.runs[key]
	if r == nil {
		if !run.Started.Known {
			return
		}
		r = &meteredRun{instances: instances, whole: newGauge(run.Started.V, m, instances), step: -1, ended: make(map[int]consumption)}
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
		r.step, r.current = now, newGauge(next, m, instances)
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
func (r *meteredRun) endStep(run *jobqueue.Run, latest time.Time, m *meter) {
	if r.step < 0 {
		return
	}
	end := latest
	if r.step < len(run.Steps) && run.Steps[r.step].Ended.Known {
		end = run.Steps[r.step].Ended.V
	}
	if !end.IsZero() {
		r.ended[r.step] = r.current.end(end, m)
	}
	r.step, r.current = -1, nil
}

// take ends a run and returns what it consumed, as a whole under rootSpan and by step. A run that was over before it was seen is not among them.
func (m *meter) take(instance string, run *jobqueue.Run, end time.Time) map[int]consumption {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := runKey{instance, run.RunID}
	r := m.runs[key]
	if r == nil {
		return nil
	}
	delete(m.runs, key)
	r.endStep(run, end, m)
	r.ended[rootSpan] = r.whole.end(end, m)
	return r.ended
}

// putConsumption gives a span what is known of it.
func putConsumption(span ptrace.Span, c consumption) {
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
		a.PutDouble("facefusion.gpu.energy", math.Round(1000*c.Energy.V)/1000) // the driver counts millijoules
	}
}
