// Package trigger says when the receiver is scraped: at every collection interval, and soon after
// something changed. What a scrape reads belongs to the probes.
package trigger
