package jobprobe

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

const gib = int64(1) << 30

// bench is a host with GPUs that are looked at each second and sampled each five, and a folder with
// one run.
type bench struct {
	accounting *gpuAccounting
	start      time.Time
	now        time.Duration // since start
	// What the GPUs do, by id
	gpus map[string]*benchGPU
	// unknown: the driver's pids mean nothing.
	unknown bool
	run     *jobqueue.Run
}

type benchGPU struct {
	watts   float64
	joules  float64 // the counter
	counted float64 // what it said when it was sampled
	sampled time.Time
	shares  map[string]snapshots.GPUShare
	shown   map[string]snapshots.GPUShare
	gone    bool
	// noCounter and noPower: the GPU does not report them.
	noCounter, noPower bool
}

func newBench() *bench {
	start := time.Unix(1_800_000_000, 0)
	return &bench{
		accounting: newGPUAccounting(), start: start, gpus: map[string]*benchGPU{},
		run: &jobqueue.Run{RunID: jobqueue.RunID{Job: "nightly", Created: start, Attempt: 1}},
	}
}

func (b *bench) gpu(id string, watts float64) *benchGPU {
	g := &benchGPU{watts: watts, joules: 1000, shares: map[string]snapshots.GPUShare{}}
	b.gpus[id] = g
	return g
}

func (g *benchGPU) uses(instance string, memory int64, busy float64) {
	g.shares[instance] = snapshots.GPUShare{Memory: reading.Known(memory), Busy: reading.Known(busy)}
}

// pass lets seconds go by.
func (b *bench) pass(seconds int) {
	for range seconds {
		b.now += time.Second
		work := &snapshots.GPUWork{Time: b.at(b.now)}
		for id, g := range b.gpus {
			g.joules += g.watts
			if b.now%(5*time.Second) == 0 {
				g.sampled, g.counted = work.Time, g.joules
				g.shown = map[string]snapshots.GPUShare{}
				maps.Copy(g.shown, g.shares)
			}
			if g.gone || g.sampled.IsZero() {
				continue
			}
			work.GPUs = append(work.GPUs, snapshots.GPUReadings{
				ID: id, Sampled: g.sampled, Shares: g.shown,
				Energy: reading.Value[float64]{V: g.counted, Known: !g.noCounter}, Power: reading.Value[float64]{V: g.watts, Known: !g.noPower},
			})
		}
		if !b.unknown {
			b.accounting.observe(work)
		}
	}
}

func (b *bench) at(d time.Duration) time.Time { return b.start.Add(d) }

// observeJobs is one pass of the jobs.
func (b *bench) observeJobs() {
	run := *b.run
	run.Steps = append([]jobqueue.Step(nil), b.run.Steps...)
	b.accounting.follow(&jobqueue.Snapshot{Queues: []jobqueue.Queue{{Instances: []string{"facefusion-3f2a", "shares-its-folder"}, Open: []*jobqueue.Run{&run}}}})
}

// begin begins the next step, and the run with the first.
func (b *bench) begin() {
	if !b.run.Started.Known {
		b.run.Started = reading.Known(b.at(b.now))
	}
	if last := len(b.run.Steps) - 1; last >= 0 && b.run.Steps[last].Outcome == "" {
		b.run.Steps[last].Outcome, b.run.Steps[last].Ended = jobqueue.OutcomeCompleted, reading.Known(b.at(b.now))
	}
	b.run.Steps = append(b.run.Steps, jobqueue.Step{Started: reading.Known(b.at(b.now))})
	b.observeJobs()
}

// end ends the run now, which is noticed now.
func (b *bench) end() map[int]gpuConsumption {
	end := b.at(b.now)
	b.run.Outcome, b.run.Ended = jobqueue.OutcomeCompleted, reading.Known(end)
	last := &b.run.Steps[len(b.run.Steps)-1]
	last.Outcome, last.Ended = jobqueue.OutcomeCompleted, reading.Known(end)
	b.accounting.follow(&jobqueue.Snapshot{Changes: []jobqueue.Change{{Instance: "facefusion-3f2a", Run: b.run, Ended: true}}})
	return b.accounting.endRun("facefusion-3f2a", b.run, end)
}

func used(memory int64, busy, energy float64, gpus ...string) gpuConsumption {
	return gpuConsumption{GPUs: gpus, Memory: reading.Known(memory), Busy: reading.Known(busy), Energy: reading.Known(energy)}
}

// TestPeaksAndEnergyOfARunAndItsSteps: each step has its own, the run has the highest and the sum,
// and neither has what was before, after, or somebody else's.
func TestPeaksAndEnergyOfARunAndItsSteps(t *testing.T) {
	b := newBench()
	gpu := b.gpu("GPU-1", 70)
	gpu.uses("facefusion-3f2a", 20*gib, 1) // the job before
	b.pass(11)

	gpu.watts = 300
	gpu.uses("facefusion-3f2a", 6*gib, 0.5)
	gpu.uses("of-others", 60*gib, 0.9)
	b.begin()
	b.pass(20)
	gpu.watts = 400
	gpu.uses("facefusion-3f2a", 8*gib, 0.75)
	gpu.uses("shares-its-folder", gib, 0.125)
	b.begin()
	b.pass(10)
	delete(gpu.shares, "shares-its-folder")
	gpu.uses("facefusion-3f2a", 7*gib, 0.25)
	b.pass(10)
	require.Equal(t, map[int]gpuConsumption{
		0:                 used(6*gib, 0.5, 20*300, "GPU-1"),
		1:                 used(9*gib, 0.875, 20*400, "GPU-1"),
		jobqueue.RootSpan: used(9*gib, 0.875, 20*300+20*400, "GPU-1"),
	}, b.end())
	require.Empty(t, b.accounting.runs)
}

// TestAReadingBelongsToTheSpanInWhichItWasTaken, and utilization to the one in which most of its
// five seconds lay.
func TestAReadingBelongsToTheSpanInWhichItWasTaken(t *testing.T) {
	b := newBench()
	gpu := b.gpu("GPU-1", 100)
	gpu.uses("facefusion-3f2a", 9*gib, 1)
	b.pass(14)
	b.begin()
	gpu.uses("facefusion-3f2a", 2*gib, 1)
	b.pass(1)
	gpu.uses("facefusion-3f2a", gib, 0.5)
	b.pass(10)
	require.Equal(t, used(2*gib, 0.5, 1100, "GPU-1"), b.end()[jobqueue.RootSpan])

	g := newSpanUsage(b.at(time.Minute), b.accounting, []string{"facefusion-3f2a"})
	late := snapshots.GPUReadings{ID: "GPU-1", Sampled: b.at(time.Minute - time.Millisecond), Shares: gpu.shares}
	g.observe(&late, b.at(55*time.Second), []string{"facefusion-3f2a"})
	require.Zero(t, g.gpus["GPU-1"].readings, "it was taken before, and came after")
}

// TestEnergySinceTheCounterWasRead is what was drawn since.
func TestEnergySinceTheCounterWasRead(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var c energyCurve
	c.observe(&snapshots.GPUReadings{Sampled: now.Add(-3 * time.Second), Energy: reading.Known(5000.0), Power: reading.Known(100.0)}, now)
	require.Equal(t, energyAt{joules: 5300, era: c.era, known: true}, c.at(now))
	require.Equal(t, energyAt{joules: 5500, era: c.era, known: true}, c.at(now.Add(2*time.Second)))
	require.False(t, c.at(now.Add(-time.Second)).known)
	require.False(t, c.at(now.Add(maxGap+time.Second)).known)
	c.observe(&snapshots.GPUReadings{Sampled: now.Add(time.Second), Energy: reading.Known(5390.0), Power: reading.Known(200.0)}, now.Add(2*time.Second))
	require.InDelta(t, 5590, c.at(now.Add(2*time.Second)).joules, 1e-9, "the counter is right, what was added up is not")
	require.InDelta(t, 5445, c.at(now.Add(time.Second)).joules, 1e-9)
}

// TestSeveralGPUs: peaks are those of one GPU, energy is the sum of those that were used.
func TestSeveralGPUs(t *testing.T) {
	b := newBench()
	one, two := b.gpu("GPU-1", 100), b.gpu("GPU-2", 200)
	b.gpu("GPU-3", 1000)
	b.pass(10)
	b.begin()
	one.uses("facefusion-3f2a", 5*gib, 0.25)
	b.pass(10)
	two.uses("facefusion-3f2a", 4*gib, 0.75)
	b.pass(10)
	require.Equal(t, used(5*gib, 0.75, 20*300, "GPU-1", "GPU-2"), b.end()[jobqueue.RootSpan])
}

// TestARunOnTheProcessorUsesNothing, which is known to be nothing.
func TestARunOnTheProcessorUsesNothing(t *testing.T) {
	b := newBench()
	b.gpu("GPU-1", 100)
	b.pass(10)
	b.begin()
	b.pass(20)
	require.Equal(t, used(0, 0, 0), b.end()[jobqueue.RootSpan])
}

// TestAShortStepHasItsEnergy but no peak: the driver was not asked while it ran.
func TestAShortStepHasItsEnergy(t *testing.T) {
	b := newBench()
	gpu := b.gpu("GPU-1", 100)
	gpu.uses("facefusion-3f2a", 5*gib, 0.25)
	b.pass(11)
	b.begin()
	b.pass(3)
	require.Equal(t, gpuConsumption{GPUs: []string{"GPU-1"}, Energy: reading.Known(300.0)}, b.end()[jobqueue.RootSpan])
}

func TestEnergyWithoutACounterIsThePowerAddedUp(t *testing.T) {
	b := newBench()
	gpu := b.gpu("GPU-1", 100)
	gpu.noCounter = true
	gpu.uses("facefusion-3f2a", gib, 0)
	b.pass(10)
	b.begin()
	b.pass(7)
	gpu.watts = 50
	b.pass(13)
	require.Equal(t, reading.Known(7*100+13*50.0), b.end()[jobqueue.RootSpan].Energy)
}

// TestAnOrphanIsFoundLate: what the GPU drew since is not the job's.
func TestAnOrphanIsFoundLate(t *testing.T) {
	b := newBench()
	gpu := b.gpu("GPU-1", 100)
	gpu.uses("facefusion-3f2a", gib, 0.5)
	b.pass(10)
	b.begin()
	b.pass(10)
	died := b.at(b.now)
	delete(gpu.shares, "facefusion-3f2a")
	gpu.watts = 10
	b.pass(3)
	gpu.watts = 200
	b.pass(4)
	require.Equal(t, used(gib, 0.5, 1000, "GPU-1"), b.accounting.endRun("facefusion-3f2a", b.run, died)[jobqueue.RootSpan])
}

// TestWhatIsNotKnownIsAbsent, in the way in which it is not.
func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		during func(b *bench, g *benchGPU)
		want   gpuConsumption
	}{
		"the driver fell silent": {func(b *bench, g *benchGPU) { g.gone = true }, gpuConsumption{}},
		"and came back": {func(b *bench, g *benchGPU) {
			g.gone = true
			b.pass(20)
			g.gone = false
		}, gpuConsumption{}},
		"the pids are of another namespace": {func(b *bench, _ *benchGPU) { b.unknown = true }, gpuConsumption{}},
		"the counter began anew": {func(b *bench, g *benchGPU) { g.joules = 0 }, gpuConsumption{
			GPUs: []string{"GPU-1"}, Memory: reading.Known(gib), Busy: reading.Known(0.5),
		}},
		"no power": {func(b *bench, g *benchGPU) { g.noPower = true }, gpuConsumption{GPUs: []string{"GPU-1"}, Memory: reading.Known(gib), Busy: reading.Known(0.5)}},
		"no memory": {func(b *bench, g *benchGPU) {
			g.shares["facefusion-3f2a"] = snapshots.GPUShare{Busy: reading.Known(0.25)}
		}, gpuConsumption{GPUs: []string{"GPU-1"}, Memory: reading.Value[int64]{V: gib}, Busy: reading.Known(0.5), Energy: reading.Known(4000.0)}},
		"no utilization": {func(b *bench, g *benchGPU) {
			g.shares["facefusion-3f2a"] = snapshots.GPUShare{Memory: reading.Known(2 * gib)}
		}, gpuConsumption{GPUs: []string{"GPU-1"}, Memory: reading.Known(2 * gib), Busy: reading.Value[float64]{V: 0.5}, Energy: reading.Known(4000.0)}},
		"a GPU of others is lost": {func(b *bench, _ *benchGPU) { b.gpus["GPU-2"].gone = true }, used(gib, 0.5, 4000, "GPU-1")},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			g := b.gpu("GPU-1", 100)
			b.gpu("GPU-2", 1)
			g.uses("facefusion-3f2a", gib, 0.5)
			b.pass(10)
			b.begin()
			b.pass(10)
			c.during(b, g)
			b.pass(40 - int((b.now - 10*time.Second).Seconds()))
			got := b.end()[jobqueue.RootSpan]
			if !got.Energy.Known {
				got.Energy.V = 0
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestARunThatWasUnderWayHasNone: of the time before the first pass nothing is known.
func TestARunThatWasUnderWayHasNone(t *testing.T) {
	b := newBench()
	b.gpu("GPU-1", 100).uses("facefusion-3f2a", gib, 0.5)
	b.run.Started = reading.Known(b.start.Add(-time.Minute))
	b.pass(10)
	b.begin()
	b.pass(20)
	got := b.end()
	require.Equal(t, gpuConsumption{}, got[jobqueue.RootSpan])
	require.Equal(t, used(gib, 0.5, 2000, "GPU-1"), got[0], "its step began afterwards")
}

// TestWhatIsMeteredIsBounded: a run that is neither under way nor has ended, a GPU that is gone,
// and the points of a curve are forgotten.
func TestWhatIsMeteredIsBounded(t *testing.T) {
	b := newBench()
	b.gpu("GPU-1", 100)
	b.gpu("GPU-2", 100)
	b.pass(10)
	b.begin()
	require.Len(t, b.accounting.runs, 1)
	b.accounting.follow(&jobqueue.Snapshot{})
	require.Empty(t, b.accounting.runs)
	b.gpus["GPU-2"].gone = true
	b.pass(1000)
	require.Len(t, b.accounting.gpus, 1)
	require.Len(t, b.accounting.gpus["GPU-1"].energy.points, energyPoints)
	require.Nil(t, b.accounting.endRun("facefusion-3f2a", b.run, b.start))
}

// TestSpansSayWhatTheyConsumed: through the store of snapshots and the probe.
func TestSpansSayWhatTheyConsumed(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	defer p.watcher.Close()
	b := newBench()
	b.accounting = p.gpus
	b.gpu("GPU-1", 300).uses("facefusion-3f2a", 6*gib, 0.5)
	b.pass(10)
	b.begin()
	b.pass(19)
	// The last reading comes by the store of snapshots.
	env.Snapshots.GPUWork.Publish(&snapshots.GPUWork{Time: b.at(30 * time.Second), GPUs: []snapshots.GPUReadings{{
		ID: "GPU-1", Sampled: b.at(30 * time.Second), Energy: reading.Known(1000 + 30*300.0), Power: reading.Known(300.0),
		Shares: map[string]snapshots.GPUShare{"facefusion-3f2a": {Memory: reading.Known(7 * gib), Busy: reading.Known(0.75)}},
	}}})
	b.run.Outcome, b.run.Ended = jobqueue.OutcomeCompleted, reading.Known(b.at(30*time.Second))
	b.run.Steps[0].Outcome, b.run.Steps[0].Ended = jobqueue.OutcomeCompleted, b.run.Ended
	traces := p.spans([]jobqueue.Change{{Instance: "facefusion-3f2a", To: jobqueue.StateCompleted, Run: b.run, Ended: true}})
	spans := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	require.Equal(t, 2, spans.Len())
	for _, span := range spans.All() {
		a := span.Attributes().AsRaw()
		require.Equal(t, []any{"GPU-1"}, a["facefusion.gpu.ids"], span.Name())
		require.Equal(t, 7*gib, a["facefusion.gpu.memory.usage.max"], span.Name())
		require.InDelta(t, 0.75, a["facefusion.gpu.utilization.max"], 0, span.Name())
		require.InDelta(t, 20*300, a["facefusion.gpu.energy"], 1e-6, span.Name())
	}
}
