//go:build e2e && durability

package e2e

import (
	"cmp"
	"fmt"

	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

const (
	// before is the time before the outage, outage the time that the store is away.
	before = 8 * time.Second
	outage = time.Minute
	// pace is the interval of every scrape.
	pace = time.Second
)

// outageCase is one way to a store, and what happens on it while the store is away.
type outageCase struct {
	name   string
	config string // of the agent, on top of agent.yaml; all-signals.yaml if empty
	agent  string // YAML, on top of that and of short intervals
	// The configuration of the Prometheus that the metrics go to; none: the store for all signals
	prometheus             string
	gateway                bool // config/gateway.yaml is in between
	killAgent, killGateway bool
	expect                 func(*testing.T, loss)
}

// TestDurability has the store go away for a minute, and kills what lies before it with -9 in the
// middle. What a collector hands to its pipelines, it writes into files as well: whatever is there
// and not in the store, in the end, is lost. The scenes that lose something show that this measure
// sees it; docs/scale-out.md has the numbers.
func TestDurability(t *testing.T) {
	const plain = "{}"
	window := block(t, "# prometheus.yml")
	nothing := func(t *testing.T, l loss) { require.True(t, l.none(), "lost: %+v", l) }
	// The batch in flight at the kill is resent last, and a store that refuses old samples loses
	// it.
	oneScrape := func(t *testing.T, l loss) {
		require.LessOrEqual(t, l.last-l.first, pace.Milliseconds())
		require.Zero(t, l.events+l.spans)
	}
	someMetrics := func(t *testing.T, l loss) { require.Greater(t, l.last-l.first, pace.Milliseconds()) }
	h := simulate(t, 1)
	work(t, h)
	for _, s := range []outageCase{
		{name: "as shipped, agent killed", killAgent: true, expect: nothing},
		{name: "as shipped, gateway killed, plain Prometheus", prometheus: plain, gateway: true, killGateway: true, expect: nothing},
		{name: "as shipped, both killed, Prometheus with a window", prometheus: window, gateway: true, killAgent: true, killGateway: true, expect: nothing},
		{name: "as shipped, agent killed, straight to a Prometheus with a window", prometheus: window, killAgent: true, expect: nothing},
		{name: "agent killed, plain Prometheus", prometheus: plain, gateway: true, killAgent: true, expect: oneScrape},
		{name: "a batch in the queue, agent killed, plain Prometheus", prometheus: plain, killAgent: true,
			agent: "exporters: {otlp_http: {sending_queue: {batch: {min_size: 2000}}}}", expect: someMetrics},
		{name: "ten consumers, agent killed, plain Prometheus", prometheus: plain, killAgent: true,
			agent: "exporters: {otlp_http: {sending_queue: {num_consumers: 10}}}", expect: someMetrics},
		{name: "remote-write.yaml, agent killed", config: "../../config/remote-write.yaml", prometheus: window, killAgent: true, expect: someMetrics},
		{name: "queue in memory, agent killed", killAgent: true,
			agent: "exporters: {otlp_http: {sending_queue: {storage: null}}}", expect: func(t *testing.T, l loss) {
				someMetrics(t, l)
				require.NotZero(t, l.events)
				require.NotZero(t, l.spans)
			}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.play(t)
		})
	}
}

// work runs jobs, so that events and traces occur all the time.
func work(t *testing.T, h *host.Machine) {
	t.Helper()
	_, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		folder := h.Jobs(0)
		for n := 0; ; n++ {
			id := fmt.Sprintf("job-%d", n)
			for _, step := range []func() error{
				func() error {
					return folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}})
				},
				func() error { return folder.Submit(id) },
				func() error { return folder.Start(id, 0) },
				func() error { return folder.CompleteStep(id, 0) },
				func() error { return folder.Complete(id) },
			} {
				if err := step(); err != nil {
					stopped <- err
					return
				}
				select {
				case <-stop:
					stopped <- nil
					return
				case <-time.After(300 * time.Millisecond):
				}
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		require.NoError(t, <-stopped)
	})
}

// play runs one case: a minute without the store, with the kills in the middle. Then it counts the
// losses.
func (s outageCase) play(t *testing.T) {
	st := s.build(t)
	time.Sleep(before)
	st.away(t)
	time.Sleep(outage / 2)
	if s.killGateway {
		st.gateway.kill(t)
		st.gateway.start(t)
	}
	var restart time.Duration
	if s.killAgent {
		killed := time.Now()
		st.agent.kill(t)
		st.startAgent(t)
		restart = time.Since(killed)
	}
	time.Sleep(outage / 2)
	st.back(t)
	back := time.Now()

	require.Eventually(t, func() bool { return st.seen(t).newest().After(back.Add(5 * pace)) }, time.Minute, pace, "what is new does not arrive")
	var truth *ledger
	var lost loss
	for range 5 {
		truth = emitted(t, st.dir, st.lives)
		time.Sleep(3 * pace) // what was handed over this very moment is under way
		if lost = st.seen(t).lacks(truth, back); lost.none() {
			break
		}
	}
	hole, series := st.store.ledger.hole()
	t.Logf("%s: lost %v of metrics (%d samples), %d of %d events, %d of %d spans; the largest hole is %v, the restart took %v. %s", s.name,
		time.Duration(lost.last-lost.first)*time.Millisecond, lost.samples, lost.events, len(truth.events), lost.spans, len(truth.spans),
		hole, restart.Round(time.Millisecond), cmp.Or(lost.example, series))
	s.expect(t, lost)
	if lost.none() {
		require.Greater(t, len(truth.events), 100)
		require.Greater(t, len(truth.spans), 50)
		if s.prometheus != "" && s.prometheus != "{}" {
			for name := range st.store.ledger.series {
				require.Contains(t, name, " host_name:", "rules and dashboards join by it")
			}
		}
		// One interval until the collector was killed, one from its being ready to its first
		// scrape.
		require.LessOrEqual(t, hole, restart+3*pace)
	}
}
