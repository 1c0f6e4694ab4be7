package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	bin, exporters string // folders of what is built
	root           string // of the repository
	window         time.Duration
	warmup         time.Duration
	interval       time.Duration
	speed          float64
	scrapers       int
	report         string
	goal           bool
	short          bool
	growth         bool
	latency        bool
	hold           int

	// The host
	processes, connections, instances, gpus, finished int
	// agentOnly leaves out all but the agent, and result is where its row is written.
	agentOnly bool
	result    string
	// beside are other builds of the agent that are measured at the same time.
	beside []string
}

// The short form has two scrapes in its window. It is in the first minute, in which the agent looks
// for ports eagerly.
const (
	shortWarmup   = 10 * time.Second
	shortWindow   = 15 * time.Second
	shortInterval = 7 * time.Second
	// shortMost is how many times (empty collector + floor) the agent may cost in it. It was 4 to
	// 5 times: what this finds is a probe that reads all the time.
	shortMost = 10
)

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "folder of the built collector and simulator")
	flag.StringVar(&o.exporters, "exporters", ".cache/exporters", "folder of the built exporters and stand-ins")
	flag.StringVar(&o.root, "root", ".", "root of the repository")
	flag.DurationVar(&o.window, "window", 2*time.Minute, "how long to measure")
	flag.DurationVar(&o.warmup, "warmup", 90*time.Second, "how long to wait before: a port that is missing is searched for eagerly in the first minute")
	flag.DurationVar(&o.interval, "interval", 15*time.Second, "how often each page is scraped")
	flag.Float64Var(&o.speed, "speed", 1, "pace of the jobs; 1 is natural")
	flag.IntVar(&o.scrapers, "scrapers", 1, "how many scrape each page")
	flag.StringVar(&o.report, "report", "", "write the table to this Markdown file, between its two marks")
	flag.BoolVar(&o.goal, "goal", false, "fail where the agent costs more than the four exporters together")
	flag.BoolVar(&o.short, "short", false, "measure for some seconds the agent, the empty collector and the floor only, and fail where the agent costs much more than it did")
	flag.BoolVar(&o.growth, "growth", false, "measure how the agent's cost grows with the host, instead of beside others")
	flag.BoolVar(&o.latency, "latency", false, "measure how long after an event it is reported, instead of costs")
	flag.IntVar(&o.processes, "processes", 100, "other processes, a tenth of them called python3")
	flag.IntVar(&o.connections, "connections", 200, "connections on loopback")
	flag.IntVar(&o.instances, "instances", 2, "FaceFusions")
	flag.IntVar(&o.gpus, "gpus", 2, "GPUs")
	flag.IntVar(&o.finished, "finished", 0, "finished jobs of the first FaceFusion")
	flag.BoolVar(&o.agentOnly, "agent-only", false, "measure the agent alone")
	flag.StringVar(&o.result, "result", "", "write what the agent used to this file")
	flag.IntVar(&o.hold, "hold", 0, "hold this many connections, and do nothing else")
	flag.Func("beside", "measure this other build of the agent, too, at the same time; may be repeated", func(build string) error {
		o.beside = append(o.beside, build)
		return nil
	})
	flag.Parse()
	if o.short {
		o.warmup, o.window, o.interval = shortWarmup, shortWindow, shortInterval
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// run makes the host inside the simulator's environment: without that, it starts itself again as
// the simulator's command.
func run(ctx context.Context, o options) error {
	switch {
	case o.hold > 0:
		return holdConnections(ctx, o.hold)
	case o.growth:
		return measureGrowth(ctx, o)
	case o.latency:
		return measureLatency(ctx, o)
	}
	if os.Getenv("FACEFUSION_NVML_LIBRARY") == "" {
		return underSimulator(ctx, o, os.Args[1:])
	}
	host, err := newHost(ctx, o)
	if err != nil {
		return err
	}
	defer host.close()
	subjects, err := startSubjects(ctx, o, host)
	defer stopSubjects(subjects)
	if err != nil {
		return err
	}
	scrapes := scrapeAll(ctx, subjects, o)
	defer scrapes.Wait()
	if err := sleep(ctx, o.warmup); err != nil {
		return err
	}
	before, err := readAll(subjects)
	if err != nil {
		return err
	}
	started := time.Now()
	if err := sleep(ctx, o.window); err != nil {
		return err
	}
	after, err := readAll(subjects)
	if err != nil {
		return err
	}
	table := compare(subjects, before, after, time.Since(started), o.interval)
	if o.result != "" {
		return writeResult(o.result, table.row(agentName))
	}
	fmt.Print(table.String())
	if o.report != "" {
		if err := table.writeInto(o.report); err != nil {
			return err
		}
		if err := quote(o.root, table.figures()); err != nil {
			return err
		}
	}
	switch {
	case o.short:
		return table.checkShort()
	case o.goal:
		return table.checkGoal()
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
