package webprobe

import (
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// HistogramsConfig switches the probe's histograms.
type HistogramsConfig struct {
	ServerProbeDuration HistogramConfig
}

// HistogramConfig switches one histogram.
type HistogramConfig struct {
	// Enabled switches the metric.
	Enabled bool `mapstructure:"enabled"`
	// Bounds are those of the buckets, out of webui.DurationBounds.
	Bounds []float64 `mapstructure:"bounds"`
}

// serverProbeDuration has either a status code or an error type.
var serverProbeDuration = probe.HistogramSpec{
	Name:        "facefusion.server.probe.duration",
	Unit:        "s",
	Description: "The latency of the receiver's own requests to the server.",
	Attributes:  []string{"server.port", "facefusion.probe", "http.response.status_code", "error.type"},
}

// NewDefaultHistogramsConfig has every histogram switched on. Its bounds distinguish a quick answer
// from a slow one and a slow one from a timeout, for each of five kinds of request.
func NewDefaultHistogramsConfig() HistogramsConfig {
	return HistogramsConfig{ServerProbeDuration: HistogramConfig{Enabled: true, Bounds: []float64{0.01, 0.05, 0.25, 1, 2.5}}}
}

// Check names the metric, the setting and the remedy.
func (c *HistogramsConfig) Check() error {
	return serverProbeDuration.CheckBounds(c.ServerProbeDuration.Bounds, webui.DurationBounds)
}

// ByName gives each histogram's settings by the metric's name.
func (c *HistogramsConfig) ByName() map[string]any {
	return map[string]any{serverProbeDuration.Name: &c.ServerProbeDuration}
}
