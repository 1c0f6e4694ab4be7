package process_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// crowd is a host with so many processes, five of them FaceFusion, in the steady state.
func crowd(b *testing.B, processes int) *harness {
	w := newHarness(b, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	for n := range 5 {
		p := server(10+n, "/opt/facefusion")
		p.Listens = sockets("127.0.0.1:7860")
		p.Files = make([]string, 60)
		for i := range p.Files {
			p.Files[i] = "/dev/null"
		}
		w.put(p)
	}
	for n := range processes - 6 { // init is one, too
		w.put(proctest.ProcEntry{PID: 1000 + n, PPID: 1, Argv: []string{"/usr/sbin/nginx"}, StartTicks: 100})
	}
	w.pass()
	return w
}

// BenchmarkObserve holds the budget: a look at 5,000 processes may cost three times one at 100.
// Every thirtieth look lists all processes, as it does when one is taken each second.
func BenchmarkObserve(b *testing.B) {
	small, large := crowd(b, 100), crowd(b, 5000)
	var costs [2]time.Duration
	round := 0
	for b.Loop() {
		round++
		for n, w := range []*harness{small, large} {
			if round%30 == 0 {
				w.table.ListAll()
			}
			start := time.Now()
			_, err := w.table.Observe(b.Context())
			costs[n] += time.Since(start)
			require.NoError(b, err)
		}
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(per(costs[0]), "µs/100-processes")
	b.ReportMetric(per(costs[1]), "µs/5000-processes")
	b.ReportMetric(float64(costs[1])/float64(costs[0]), "ratio")
}
