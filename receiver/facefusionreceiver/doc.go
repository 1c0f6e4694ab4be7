// Package facefusionreceiver watches FaceFusion from outside and turns what it sees into metrics,
// events and traces.
//
// It is a thin front to the packages under internal/, which know FaceFusion, Linux and NVML, and
// nothing of the Collector. Two speeds are never mixed: probes observe in the background at their
// own pace; a scrape reads what they left behind and touches neither driver, disk nor network. One
// running observer serves the metrics, logs and traces of a receiver.
package facefusionreceiver

//go:generate go tool -modfile=../../.ci/tools/go.mod mdatagen metadata.yaml
