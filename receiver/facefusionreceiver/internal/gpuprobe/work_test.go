package gpuprobe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// noTraces is a sink of a receiver without a traces pipeline.
type noTraces struct{ probe.Sink }

func (noTraces) WantsTraces() bool { return false }

func TestWorkOfInstances(t *testing.T) {
	env, sink := probetest.Env()
	env.RootPath = t.TempDir()
	p := New(NewDefaultConfig(), nil, env)
	now := time.Now()
	first := using(of(100, 1000), of(101, 200), of(555, 40))
	first.Sampled, first.Energy, first.Power = now.Add(-3*time.Second), reading.Known(5000.5), reading.Known(311.0)
	first.Activity = map[int]float64{100: 0.5, 101: 0.25, 555: 0.125}
	second := using(of(555, 7))
	second.UUID = "GPU-of-others"
	unknown := gpu.Device{Health: gpu.HealthOK}
	unknown.UUID = "GPU-unknown"
	whole, piece := using(of(100, 1)), using(of(100, 3))
	whole.UUID, piece.UUID, piece.Parent = "GPU-divided", "MIG-1", "GPU-divided"
	snapshot := &gpu.Snapshot{Time: now, Library: library(), Devices: []gpu.Device{first, second, unknown, whole, piece, lost()}}
	p.owners.update(instances(), snapshot, now)

	p.env.Sink = noTraces{sink}
	p.publishWork(snapshot)
	require.Nil(t, env.Snapshots.GPUWork.Load(), "nobody asked")

	p.env.Sink = sink
	p.publishWork(snapshot)
	require.Equal(t, &snapshots.GPUWork{Time: now, GPUs: []snapshots.GPUReadings{
		{
			ID: deviceID(&first), Sampled: now.Add(-3 * time.Second), Energy: reading.Known(5000.5), Power: reading.Known(311.0),
			Shares: map[string]snapshots.GPUShare{"busy": {Memory: reading.Known(int64(1200)), Busy: reading.Known(0.75)}},
		},
		{ID: "GPU-of-others", Shares: map[string]snapshots.GPUShare{}},
		{ID: "MIG-1", Shares: map[string]snapshots.GPUShare{"busy": {Memory: reading.Known(int64(3))}}},
	}}, env.Snapshots.GPUWork.Load())
}

func TestNoWorkIsKnownOfAnotherNamespace(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), nil, env)
	snapshot := &gpu.Snapshot{Library: library(), Devices: []gpu.Device{using(of(1<<22+1, 5))}}
	p.owners.update(instances(), snapshot, time.Now())
	require.Equal(t, foreign, p.owners.state())
	p.publishWork(snapshot)
	require.Nil(t, env.Snapshots.GPUWork.Load())
}

func TestWorkOfWhichAPartIsNotKnown(t *testing.T) {
	mine := func(int) string { return "busy" }
	d := using(of(100, 1000), gpu.ProcessMemory{PID: 101})
	d.Activity = map[int]float64{100: 0.75, 101: 0.5}
	require.Equal(t, map[string]snapshots.GPUShare{"busy": {Memory: reading.Value[int64]{V: 1000}, Busy: reading.Known(1.0)}}, workOf(&d, mine), "and never more than there is")
}
