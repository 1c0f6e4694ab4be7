package webprobe

import "github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"

// HistogramsConfig switches the probe's histograms.
type HistogramsConfig struct {
	ServerProbeDuration HistogramConfig
}

// HistogramConfig switches one histogram.
type HistogramConfig struct {
	// Enabled switches the metric.
	Enabled bool `mapstructure:"enabled"`
}

// serverProbeDuration has either a status code or an error type. docs/generate reads this line:
//
// Attributes of facefusion.server.probe.duration: server.port, facefusion.probe,
// http.response.status_code, error.type.
var serverProbeDuration = probe.HistogramSpec{
	Name:        "facefusion.server.probe.duration",
	Unit:        "s",
	Description: "The latency of the receiver's own requests to the server.",
}

// NewDefaultHistogramsConfig has every histogram switched on.
func NewDefaultHistogramsConfig() HistogramsConfig {
	return HistogramsConfig{ServerProbeDuration: HistogramConfig{Enabled: true}}
}

// ByName gives each histogram's settings by the metric's name.
func (c *HistogramsConfig) ByName() map[string]any {
	return map[string]any{serverProbeDuration.Name: &c.ServerProbeDuration}
}
