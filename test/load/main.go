package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	collector, simulator, agent, demo, allSignals, gateway string

	hosts       int
	burst       time.Duration
	pace, paced time.Duration
	concurrent  int
}

func main() {
	var o options
	flag.StringVar(&o.collector, "collector", "bin/otelcol-facefusion", "the built collector")
	flag.StringVar(&o.simulator, "simulator", "bin/simulator", "the built simulator")
	flag.StringVar(&o.agent, "agent", "config/agent.yaml", "configuration of an agent")
	flag.StringVar(&o.demo, "demo", "config/demo.yaml", "configuration of an agent beside the simulator")
	flag.StringVar(&o.allSignals, "all-signals", "config/all-signals.yaml", "configuration of an agent that sends")
	flag.StringVar(&o.gateway, "gateway", "config/gateway.yaml", "configuration of the gateway")
	flag.IntVar(&o.hosts, "hosts", 500, "agents at the pace of real ones")
	flag.DurationVar(&o.burst, "burst", 20*time.Second, "how long to send as fast as it takes")
	flag.IntVar(&o.concurrent, "concurrent", 16, "agents that send as fast as it takes")
	flag.DurationVar(&o.pace, "pace", 15*time.Second, "interval of an agent")
	flag.DurationVar(&o.paced, "paced", 60*time.Second, "how long to send at that pace")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	requests, err := record(ctx, o)
	if err != nil {
		return fmt.Errorf("record what an agent sends: %w", err)
	}
	perScrape := 0
	for _, r := range requests {
		perScrape += r.points
		fmt.Printf("an agent sends %d points in a request of %d bytes (%d packed)\n", r.points, r.size, len(r.packed("host")))
	}
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.close()
	g, err := startGateway(ctx, o, sink.url())
	if err != nil {
		return fmt.Errorf("start the gateway: %w", err)
	}
	defer g.stop()

	fmt.Printf("\n%d agents, as fast as the gateway takes it, for %v\n", o.concurrent, o.burst)
	burst, err := measure(ctx, g, o.burst, func(ctx context.Context) loadResult { return send(ctx, g.url, requests, o.concurrent, 0) })
	if err != nil {
		return err
	}
	perCore := burst.points / burst.cpu.Seconds()
	hosts := perCore * o.pace.Seconds() / float64(perScrape)
	fmt.Printf("%.0f points a second, with %.2f cores: %.0f points a second for each core\n", burst.points/burst.took.Seconds(), burst.cpu.Seconds()/burst.took.Seconds(), perCore)
	fmt.Printf("a host makes %d points every %v: %.0f hosts for each core\n", perScrape, o.pace, hosts)
	fmt.Printf("resident memory %d MiB; half of the requests took less than %v, 99 %% less than %v\n", burst.resident>>20, burst.median, burst.p99)

	fmt.Printf("\n%d agents at the pace of real ones, for %v\n", o.hosts, o.paced)
	paced, err := measure(ctx, g, o.paced, func(ctx context.Context) loadResult { return send(ctx, g.url, requests, o.hosts, o.pace) })
	if err != nil {
		return err
	}
	fmt.Printf("%.0f points a second, with %.2f cores\n", paced.points/paced.took.Seconds(), paced.cpu.Seconds()/paced.took.Seconds())
	fmt.Printf("resident memory %d MiB; half of the requests took less than %v, 99 %% less than %v\n", paced.resident>>20, paced.median, paced.p99)

	// Every acknowledged point must have reached the store.
	sent, err := g.sent(ctx)
	if err != nil {
		return err
	}
	if answered := burst.points + paced.points; sent < answered {
		return fmt.Errorf("the gateway answered %.0f points well, and sent %.0f to the store", answered, sent)
	}
	if sink.requests.Load() == 0 {
		return errors.New("nothing reached the store")
	}
	return nil
}
