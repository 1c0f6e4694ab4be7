//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"time"
)

// burstEvery is the interval of a page that has one burst of a second in it.
const burstEvery = 15 * time.Second

// checkBurst makes a burst of one second in an interval of 15, and looks for its peak and its mean
// on the page.
func checkBurst(ctx context.Context, r *kitReport, o *options, l *load) error {
	c, err := startCollector(ctx, o, burstEvery)
	if err != nil {
		return err
	}
	defer func() { _ = c.stop() }() // the log says how it ended
	// From the first page on, in the middle of an interval.
	time.Sleep(burstEvery + burstEvery/3)
	if err := l.burst(time.Second); err != nil {
		return err
	}
	time.Sleep(burstEvery)
	text, err := c.page(ctx)
	if err != nil {
		return err
	}
	verdict, detail := burst(parsePage(text))
	r.add("burst", verdict, "1 s of %s in %v: %s", l.kind, burstEvery, detail)
	return nil
}

// burst judges the page after one second of work in an interval of 15.
func burst(page []sample) (checkOutcome, string) {
	best, mean := 0.0, 0.0
	for _, s := range page {
		if s.labels["hw_gpu_task"] != "general" {
			continue
		}
		switch s.name {
		case "nvidia_gpu_utilization_max_ratio":
			best = max(best, s.value)
		case "hw_gpu_utilization_ratio":
			mean = max(mean, s.value)
		}
	}
	verdict := failed
	if best >= 0.8 && mean > 0.02 && mean < 0.2 {
		verdict = passed
	}
	return verdict, fmt.Sprintf("peak %.2f (0.8 or more), mean %.3f (0.02 to 0.2)", best, mean)
}
