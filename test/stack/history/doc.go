// Package history writes a past for Prometheus: a simulated one, of series that are real.
//
// Which series there are, their names, labels, types and buckets, is read from pages of the built
// collector (page.go). Their content is computed by a model of a host with FaceFusion (machine.go,
// instance.go, queue.go, gpu.go): jobs come by the hour of the day, wait, run and fail; GPUs get
// busy, warm and slow; incidents happen at known times (calendar.go). Nobody measured any of it.
package history
