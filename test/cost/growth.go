package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// growthStep is one thing that a host can have more of than the smallest one.
type growthStep struct {
	name     string
	flag     string
	from, to int
}

var growthSteps = []growthStep{
	{"other processes", "processes", 100, 10_000},
	{"finished jobs", "finished", 100, 100_000},
	{"GPUs", "gpus", 1, 16},
	{"FaceFusions", "instances", 1, 20},
	{"connections", "connections", 0, 10_000},
	{"scrapers", "scrapers", 1, 10},
	{"pace of the jobs", "speed", 1, 10},
}

// growthResult is what the agent used, for each interval.
type growthResult struct {
	CPU     time.Duration
	RSS     uint64
	Wakeups float64
}

func writeResult(file string, r row) error {
	text, err := json.Marshal(growthResult{CPU: r.cpu, RSS: r.rss, Wakeups: r.wakeups})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// measureGrowth measures the agent on the smallest host, and then with more of one thing at a time.
func measureGrowth(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "facefusion-growth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	measure := func(grown growthStep) (r growthResult, err error) {
		file := filepath.Join(dir, "result")
		own := []string{"-agent-only", "-result", file, "-bin", o.bin, "-root", o.root, "-window", o.window.String(), "-warmup", o.warmup.String()}
		host := o
		for _, step := range growthSteps {
			n := step.from
			if step == grown {
				n = step.to
			}
			own = append(own, "-"+step.flag, strconv.Itoa(n))
			switch step.flag {
			case "gpus":
				host.gpus = n
			case "instances":
				host.instances = n
			case "speed":
				host.speed = float64(n)
			}
		}
		if err := underSimulator(ctx, host, own); err != nil {
			return r, fmt.Errorf("%s: %w", grown.name, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return r, err
		}
		return r, json.Unmarshal(text, &r)
	}
	least, err := measure(growthStep{name: "the smallest host"})
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| more of | from | to | CPU for each %v, ms | times | RSS, MiB | wakeups a second |\n|---|---|---|---|---|---|---|\n", o.interval)
	fmt.Fprintf(&b, "| the smallest host | | | %s | | %s | %.1f |\n", ms(least.CPU), mib(least.RSS), least.Wakeups)
	pace := ""
	for _, step := range growthSteps {
		r, err := measure(step)
		if err != nil {
			return err
		}
		if step.flag == "speed" {
			pace = fmt.Sprintf("%.1f", ratio(r.CPU, least.CPU))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %.1f | %s | %.1f |\n", step.name, step.from, step.to, ms(r.CPU), ratio(r.CPU, least.CPU), mib(r.RSS), r.Wakeups)
	}
	fmt.Fprintf(&b, "\nOver %v each, after %v. Measured on %s.\n", o.window, o.warmup, machine())
	fmt.Print(b.String())
	if o.report == "" {
		return nil
	}
	if err := writeBetween(o.report, growthBegin, growthEnd, b.String()); err != nil {
		return err
	}
	return quote(o.root, map[string]string{"pace-times": pace})
}
