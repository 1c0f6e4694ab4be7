package gpuprobe

import (
	"testing"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// BenchmarkRecord is a scrape of two GPUs that have everything there is to read.
func BenchmarkRecord(b *testing.B) {
	env, _ := probetest.Env()
	mb := metadata.NewMetricsBuilder(env.Metrics, env.Settings)
	second := healthy()
	second.UUID, second.Index = "GPU-22222222-bbbb", 4
	snapshot := &gpu.Snapshot{Library: library(), Devices: []gpu.Device{healthy(), second}}
	points, now := 0, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		record(mb, snapshot, now)
		points = mb.Emit(metadata.WithResource(env.HostResource())).DataPointCount()
	}
	b.ReportMetric(float64(points), "points/op")
}
