package webprobe

// HistogramsConfig switches the probe's histograms.
type HistogramsConfig struct {
	ServerProbeDuration HistogramConfig
}

// HistogramConfig switches one histogram.
type HistogramConfig struct {
	// Enabled switches the metric.
	Enabled bool `mapstructure:"enabled"`
}

// The declaration of facefusion.server.probe.duration: the latency of each of our own requests to a server.
// Its attributes are server.port, facefusion.probe and either http.response.status_code or error.type.
const (
	serverProbeDurationName        = "facefusion.server.probe.duration"
	serverProbeDurationDescription = "The latency of the receiver's own requests to the server."
	serverProbeDurationUnit        = "s"
)

// NewDefaultHistogramsConfig has every histogram switched on.
func NewDefaultHistogramsConfig() HistogramsConfig {
	return HistogramsConfig{ServerProbeDuration: HistogramConfig{Enabled: true}}
}

// ByName gives each histogram's settings by the metric's name.
func (c *HistogramsConfig) ByName() map[string]*HistogramConfig {
	return map[string]*HistogramConfig{serverProbeDurationName: &c.ServerProbeDuration}
}
