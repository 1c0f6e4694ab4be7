// Command generate writes docs/metrics.md: every metric, event and metric of the receiver about
// itself, by its OpenTelemetry and its Prometheus name. It reads metadata.yaml, and the histograms,
// which mdatagen cannot build, from their declarations in Go. It completes the reference that
// mdatagen has written by the same.
package main
