// Command backfill writes a simulated history of a FaceFusion host into a folder that Prometheus
// can be started over.
//
//	backfill -page metrics.txt -own own.txt -dir data
package main
