// Package timerslack lets the kernel wake this process a little later than its timers say, and so
// less often. Importing it is enough; only the distribution does.
//
// Go's monitor thread looks around each 20 microseconds while anything runs, which was two thirds
// of the agent's wakeups. Slack is inherited by threads, so it has to be set before Go makes the
// first one: a constructor of C does that. A process that was started with another slack than the
// kernel's default (TimerSlackNSec= of systemd) keeps that. Without cgo, or on another system,
// nothing happens.
package timerslack

import "time"

// Slack is the longest that Go's monitor thread sleeps by itself, so that nothing of Go's comes
// later than it may come anyway.
const Slack = 10 * time.Millisecond
