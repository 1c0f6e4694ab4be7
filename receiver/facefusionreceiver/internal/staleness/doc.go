// Package staleness marks series that have ended: a server that is gone, a role without a process,
// a version that was replaced. Without a staleness marker, a store keeps showing the last value:
// contrib's Prometheus exporter for five minutes, a Prometheus behind remote write likewise. A
// point flagged "no recorded value" is how OTLP says it; the Prometheus exporter then forgets the
// series, remote write sends the staleness marker.
package staleness
