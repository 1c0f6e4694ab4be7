// Command generate writes the Prometheus rules from source/ and config.yaml: for a profile and a
// language, with the metric names of a store, as files or as objects of the Prometheus operator.
package main
