// Package histogram counts observations in buckets, with explicit or exponential bounds, as defined
// by OTLP and Prometheus.
//
// This package holds arithmetic over observations. The probes declare the histograms and their
// attributes.
package histogram
