// Package histogram counts observations in buckets, with explicit or exponential bounds, as defined
// by OTLP and Prometheus.
//
// What belongs here is arithmetic over observations. Which histograms there are, and with which
// attributes, is for the probes to declare.
package histogram
