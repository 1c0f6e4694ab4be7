package logprobe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// openFor is for how long a bar that does not move is taken for one that runs: a frame takes
// seconds at most, but the first one waits until a model is loaded or TensorRT has built its
// engine.
const openFor = 10 * time.Minute

// record turns what an instance's log says into points.
func record(mb *metadata.MetricsBuilder, log *runlog.Log, now time.Time) {
	ts := pcommon.NewTimestampFromTime(now)
	t := &log.Totals
	mb.RecordFacefusionLogRecordsDataPoint(ts, t.Records)
	for i, cause := range logstream.Causes {
		mb.RecordFacefusionLogCausesDataPoint(ts, t.Causes[i], metadata.MapAttributeFacefusionCause[string(cause)])
	}
	mb.RecordFacefusionModelLoadsDataPoint(ts, t.ModelsLoaded, metadata.AttributeFacefusionModelLoadOutcomeLoaded)
	mb.RecordFacefusionModelLoadsDataPoint(ts, t.ModelsFailed, metadata.AttributeFacefusionModelLoadOutcomeFailed)
	mb.RecordFacefusionModelLoadTimeDataPoint(ts, t.ModelTime.Seconds())
	for i, phase := range logstream.Phases {
		attribute := metadata.MapAttributeFacefusionPhase[string(phase)]
		mb.RecordFacefusionPhaseFramesDataPoint(ts, t.Frames[i], attribute)
		mb.RecordFacefusionPhaseTimeDataPoint(ts, t.Time[i].Seconds(), attribute)
	}
	recordOpen(mb, log.Open, ts, now)
}

// recordOpen shows how far the phases are that run. Of two of one kind, which two runners have, it
// is the one that moved last.
func recordOpen(mb *metadata.MetricsBuilder, open []logstream.PhaseRun, ts pcommon.Timestamp, now time.Time) {
	var shown [len(logstream.Phases)]bool
	for i := len(open) - 1; i >= 0; i-- {
		run := &open[i]
		index := run.Phase.Index()
		if index < 0 || shown[index] || now.Sub(run.Updated) > openFor {
			continue
		}
		shown[index] = true
		attribute := metadata.MapAttributeFacefusionPhase[string(run.Phase)]
		if fraction := run.Fraction(); fraction >= 0 {
			mb.RecordFacefusionPhaseProgressDataPoint(ts, fraction, attribute)
		}
		if run.Left >= 0 {
			mb.RecordFacefusionPhaseRemainingDataPoint(ts, run.Left.Seconds(), attribute)
		}
		if run.Rate > 0 {
			mb.RecordFacefusionPhaseFrameRateDataPoint(ts, run.Rate, attribute)
		}
	}
}
