package jobprobe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// HistogramsConfig says which of the probe's metrics of runs there are, and in how many series.
type HistogramsConfig struct {
	JobDuration, JobWaitDuration, StepDuration HistogramConfig
	// JobFinished is no histogram; metadata.yaml declares it, and switches it.
	JobFinished AttributesConfig
}

// AttributesConfig chooses the attributes of a counter.
type AttributesConfig struct {
	// Attributes are those by which runs are counted.
	Attributes []string `mapstructure:"attributes"`
}

// HistogramConfig switches one histogram.
type HistogramConfig struct {
	// Enabled switches the metric.
	Enabled bool `mapstructure:"enabled"`
	// Attributes are those by which runs or steps are counted. Each multiplies the series.
	Attributes []string `mapstructure:"attributes"`
	// Bounds are those of the buckets, out of jobqueue.DurationBounds. Each is a series of each
	// combination of attributes.
	Bounds []float64 `mapstructure:"bounds"`
	// Exponential sends exponential buckets instead of explicit ones. A text scrape loses them, and
	// Prometheus before 3.0 refuses a remote write that has one.
	Exponential bool `mapstructure:"exponential"`
}

func (c *HistogramsConfig) exponential() bool {
	return c.JobDuration.Exponential || c.JobWaitDuration.Exponential || c.StepDuration.Exponential
}

// Their exemplars name the trace of a run.
var (
	jobDuration = probe.HistogramSpec{
		Name:        "facefusion.job.duration",
		Unit:        "s",
		Description: "How long a run of a job took, without its time in the queue.",
		Attributes:  []string{outcome, origin, media},
	}
	jobWaitDuration = probe.HistogramSpec{
		Name:        "facefusion.job.wait.duration",
		Unit:        "s",
		Description: "How long a job was in the queue before its first step started.",
		Attributes:  []string{outcome, origin, media},
	}
	stepDuration = probe.HistogramSpec{
		Name:        "facefusion.step.duration",
		Unit:        "s",
		Description: "How long a step of a job took.",
		Attributes:  []string{outcome, media, processors, model},
	}
)

// defaultBounds are enough for the objectives (60, 300 and 1800 s) and for a coarse quantile: half
// of the series of all bounds.
func defaultBounds() []float64 { return []float64{1, 5, 15, 60, 300, 1800, 7200} }

// NewDefaultHistogramsConfig has every histogram switched on, with the attributes that every
// operator asks by. docs/cardinality.md counts what the others cost.
func NewDefaultHistogramsConfig() HistogramsConfig {
	return HistogramsConfig{
		JobDuration:     HistogramConfig{Enabled: true, Attributes: []string{outcome}, Bounds: defaultBounds()},
		JobWaitDuration: HistogramConfig{Enabled: true, Bounds: defaultBounds()},
		StepDuration:    HistogramConfig{Enabled: true, Attributes: []string{processors}, Bounds: defaultBounds()},
		JobFinished:     AttributesConfig{Attributes: []string{outcome}},
	}
}

// Check names the metric, the setting and the remedy.
func (c *HistogramsConfig) Check() error {
	return errors.Join(
		allowAttributes("facefusion.job.finished", c.JobFinished.Attributes, outcome, origin, media),
		c.JobDuration.validate(jobDuration),
		c.JobWaitDuration.validate(jobWaitDuration),
		c.StepDuration.validate(stepDuration),
	)
}

func (c *HistogramConfig) validate(h probe.HistogramSpec) error {
	return errors.Join(allowAttributes(h.Name, c.Attributes, h.Attributes...), h.CheckBounds(c.Bounds, jobqueue.DurationBounds))
}

func allowAttributes(metric string, chosen []string, allowed ...string) error {
	var errs error
	for _, attribute := range chosen {
		if !slices.Contains(allowed, attribute) {
			errs = errors.Join(errs, fmt.Errorf("%s: attributes has %q: choose among %s", metric, attribute, strings.Join(allowed, ", ")))
		}
	}
	return errs
}

// ByName gives each histogram's settings by the metric's name.
func (c *HistogramsConfig) ByName() map[string]any {
	return map[string]any{
		jobDuration.Name: &c.JobDuration, jobWaitDuration.Name: &c.JobWaitDuration, stepDuration.Name: &c.StepDuration,
	}
}
