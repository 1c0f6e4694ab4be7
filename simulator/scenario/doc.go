// Package scenario plays the days of a FaceFusion host: jobs from the web UI, from headless runs
// and from nightly batches, failures, crashes, orphans.
//
// The seed alone determines what happens (plan.go), the speed how long it takes (player.go). The
// same seed gives the same acts in the same order.
package scenario
