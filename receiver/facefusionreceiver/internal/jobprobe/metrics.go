package jobprobe

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// record turns one jobs folder into points. Of one that cannot be looked at only that is known;
// while the first scan is not through, its jobs are not.
func record(mb *metadata.MetricsBuilder, cfg *HistogramsConfig, queue *jobqueue.Queue, now time.Time) {
	ts := pcommon.NewTimestampFromTime(now)
	for access := range probe.Values[metadata.AttributeFacefusionJobFolderState]() {
		mb.RecordFacefusionJobFolderStateDataPoint(ts, probe.OneIf(string(queue.Access) == access.String()), access)
	}
	if queue.Access == jobqueue.AccessAbsent && len(queue.Runs) > 0 {
		// counts do not go with a folder, such as that of a run
		recordFinished(mb, &cfg.JobFinished, queue, ts)
	}
	if queue.Access != jobqueue.AccessOpen {
		return
	}
	recordFinished(mb, &cfg.JobFinished, queue, ts)
	if queue.Scanning {
		return
	}
	for state := range probe.Values[metadata.AttributeFacefusionJobState]() {
		mb.RecordFacefusionJobCountDataPoint(ts, int64(queue.Count(jobqueue.JobState(state.String()))), state)
	}
	mb.RecordFacefusionActiveTasksDataPoint(ts, int64(queue.ActiveTasks))
	mb.RecordFacefusionJobContendedDataPoint(ts, int64(queue.Contended))
	mb.RecordFacefusionJobFolderOdditiesDataPoint(ts, int64(queue.Irregular))
	recordOldest(mb, queue, ts, now)
}

// recordOldest sends an age of zero when no job waits or runs: nothing is late then.
func recordOldest(mb *metadata.MetricsBuilder, queue *jobqueue.Queue, ts pcommon.Timestamp, now time.Time) {
	age := func(known bool, since time.Time) float64 {
		if !known {
			return 0
		}
		return max(0, now.Sub(since).Seconds())
	}
	mb.RecordFacefusionJobOldestAgeDataPoint(ts, age(queue.OldestWaiting.Known, queue.OldestWaiting.V), metadata.AttributeFacefusionJobAgeWaiting)
	mb.RecordFacefusionJobOldestAgeDataPoint(ts, age(queue.OldestRunning.Known, queue.OldestRunning.V), metadata.AttributeFacefusionJobAgeRunning)
}

// recordFinished sends every outcome from the start: a rate shows the first failure. Where origin
// or media are counted separately, it does so for the combinations that were seen.
func recordFinished(mb *metadata.MetricsBuilder, cfg *AttributesConfig, queue *jobqueue.Queue, ts pcommon.Timestamp) {
	counts := map[labels]map[jobqueue.Outcome]uint64{}
	by := slices.DeleteFunc(slices.Clone(cfg.Attributes), func(name string) bool { return name == outcome })
	if len(by) == 0 {
		counts[labels{}] = map[jobqueue.Outcome]uint64{}
	}
	for i := range queue.Runs {
		r := &queue.Runs[i]
		k := labelsOfRun(&r.RunKey).only(by)
		if counts[k] == nil {
			counts[k] = map[jobqueue.Outcome]uint64{}
		}
		counts[k][r.Outcome] += r.Count
	}
	for k, byOutcome := range counts {
		recordOutcomes(mb, k, byOutcome, queue, ts)
	}
	// a reason that cannot be determined for a FaceFusion has no zero
	for reason, n := range queue.Orphans {
		mb.RecordFacefusionJobLostDataPoint(ts, int64(n),
			metadata.WithFacefusionOrphanReasonMetricAttribute(string(reason)))
	}
}

// recordOutcomes sends the runs of one combination. An outcome that cannot be determined for a
// FaceFusion has no zero.
func recordOutcomes(mb *metadata.MetricsBuilder, k labels, byOutcome map[jobqueue.Outcome]uint64, queue *jobqueue.Queue, ts pcommon.Timestamp) {
	var options []metadata.MetricAttributeOption
	if k.origin != "" {
		options = append(options, metadata.WithFacefusionOriginMetricAttribute(k.origin))
	}
	if k.media != "" {
		options = append(options, metadata.WithFacefusionMediaMetricAttribute(k.media))
	}
	for outcome := range probe.Values[metadata.AttributeFacefusionOutcome]() {
		n := byOutcome[jobqueue.Outcome(outcome.String())]
		switch {
		case n == 0 && outcome == metadata.AttributeFacefusionOutcomeStopped && !queue.StopsKnown:
		case n == 0 && outcome == metadata.AttributeFacefusionOutcomeDeclined && !queue.DeclinesKnown:
		default:
			mb.RecordFacefusionJobFinishedDataPoint(ts, int64(n), outcome, options...)
		}
	}
}

// appendDurations adds the histograms to what mdatagen's builder made.
func appendDurations(cfg *HistogramsConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time) {
	if cfg.JobDuration.Enabled && len(queue.Runs) > 0 {
		appendRuns(jobDuration, &cfg.JobDuration, metrics, queue, now, func(r *jobqueue.RunTotals) *jobqueue.Durations { return &r.Duration })
	}
	if cfg.JobWaitDuration.Enabled && len(queue.Runs) > 0 {
		appendRuns(jobWaitDuration, &cfg.JobWaitDuration, metrics, queue, now, func(r *jobqueue.RunTotals) *jobqueue.Durations { return &r.Wait })
	}
	if cfg.StepDuration.Enabled && len(queue.Steps) > 0 {
		appendSteps(stepDuration, &cfg.StepDuration, metrics, queue, now)
	}
}

func appendRuns(h probe.HistogramSpec, cfg *HistogramConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time, durations func(*jobqueue.RunTotals) *jobqueue.Durations) {
	sums := newRollUp(cfg)
	for i := range queue.Runs {
		r := &queue.Runs[i]
		sums.add(labelsOfRun(&r.RunKey), durations(r))
	}
	sums.appendTo(newSeries(h, cfg, metrics, queue.Start, now))
}

func appendSteps(h probe.HistogramSpec, cfg *HistogramConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time) {
	sums := newRollUp(cfg)
	for i := range queue.Steps {
		s := &queue.Steps[i]
		sums.add(labelsOfStep(&s.StepKey), &s.Duration)
	}
	sums.appendTo(newSeries(h, cfg, metrics, queue.Start, now))
}
