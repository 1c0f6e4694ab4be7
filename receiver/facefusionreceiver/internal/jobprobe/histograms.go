package jobprobe

import "github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"

// HistogramsConfig switches the probe's histograms.
type HistogramsConfig struct {
	JobDuration, JobWaitDuration, StepDuration HistogramConfig
}

// HistogramConfig switches one histogram.
type HistogramConfig struct {
	// Enabled switches the metric.
	Enabled bool `mapstructure:"enabled"`
	// Exponential sends exponential buckets instead of explicit ones. A text scrape loses them, and
	// Prometheus before 3.0 refuses a remote write that has one.
	Exponential bool `mapstructure:"exponential"`
}

func (c *HistogramsConfig) exponential() bool {
	return c.JobDuration.Exponential || c.JobWaitDuration.Exponential || c.StepDuration.Exponential
}

// Their exemplars name the trace of a run. docs/generate reads these lines:
//
// Attributes of facefusion.job.duration: facefusion.outcome, facefusion.origin, facefusion.media.
//
// Attributes of facefusion.job.wait.duration: facefusion.outcome, facefusion.origin,
// facefusion.media.
//
// Attributes of facefusion.step.duration: facefusion.outcome, facefusion.media,
// facefusion.processors, facefusion.model.
var (
	jobDuration = probe.HistogramSpec{
		Name:        "facefusion.job.duration",
		Unit:        "s",
		Description: "How long a run of a job took, without its time in the queue.",
	}
	jobWaitDuration = probe.HistogramSpec{
		Name:        "facefusion.job.wait.duration",
		Unit:        "s",
		Description: "How long a job was in the queue before its first step started.",
	}
	stepDuration = probe.HistogramSpec{
		Name:        "facefusion.step.duration",
		Unit:        "s",
		Description: "How long a step of a job took.",
	}
)

// NewDefaultHistogramsConfig has every histogram switched on.
func NewDefaultHistogramsConfig() HistogramsConfig {
	on := HistogramConfig{Enabled: true}
	return HistogramsConfig{JobDuration: on, JobWaitDuration: on, StepDuration: on}
}

// ByName gives each histogram's settings by the metric's name.
func (c *HistogramsConfig) ByName() map[string]any {
	return map[string]any{
		jobDuration.Name: &c.JobDuration, jobWaitDuration.Name: &c.JobWaitDuration, stepDuration.Name: &c.StepDuration,
	}
}
