package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestARunThatTheLogExplains says in its file that it failed; the line may come before the file has
// moved, or after it.
func TestARunThatTheLogExplains(t *testing.T) {
	t.Parallel()
	const runnerID = "headless-2026-11-22-16-15-19"
	for name, c := range map[string]struct {
		id     string
		line   LogLine
		after  time.Duration // of the line, from the move of the file
		webUI  bool
		gradio bool
		want   Outcome
	}{
		"declined, read before":          {id: runnerID, line: LogLine{Job: runnerID, Outcome: OutcomeDeclined}, after: -time.Second, want: OutcomeDeclined},
		"declined, read after":           {id: runnerID, line: LogLine{Outcome: OutcomeDeclined}, after: 2 * time.Second, want: OutcomeDeclined},
		"another job was declined":       {id: runnerID, line: LogLine{Job: "other", Outcome: OutcomeDeclined}, want: OutcomeFailed},
		"declined long before":           {id: runnerID, line: LogLine{Job: runnerID, Outcome: OutcomeDeclined}, after: -time.Minute, want: OutcomeFailed},
		"stopped":                        {id: uiID, webUI: true, line: LogLine{Job: uiID, Outcome: OutcomeStopped}, want: OutcomeStopped},
		"a runner's encoder ended early": {id: runnerID, line: LogLine{Job: runnerID, Outcome: OutcomeStopped}, want: OutcomeFailed},
		"an encoder, as Gradio knows":    {id: uiID, webUI: true, gradio: true, line: LogLine{Job: uiID, Outcome: OutcomeStopped}, want: OutcomeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Settings{})
			h.evidence.LogRead = true
			if c.webUI {
				h.webUI()
			} else {
				h.runner("headless-run")
			}
			if c.gradio {
				h.calls("stop", 1, 0)
			}
			h.pass()
			h.job("queued/"+c.id, "started")
			h.pass()
			h.tick(5 * time.Second)
			h.took()
			line := func() {
				c.line.Time = h.now.Add(min(c.after, 0))
				h.evidence.Log = []LogLine{c.line}
			}
			if c.after <= 0 {
				line()
			}
			h.job("queued/"+c.id, "failed")
			h.mv("queued/"+c.id, "failed/"+c.id)
			h.pass()
			if c.after > 0 {
				h.tick(c.after)
				line()
			}
			if c.gradio {
				h.advance(time.Second)
				h.asked()
			}
			h.tick(logWait)
			assert.Equal(t, c.want, h.lastRun().Outcome)
			assert.Equal(t, c.want != OutcomeFailed, h.lastRun().Basis == BasisLog)
			assert.Equal(t, uint64(1), sumRuns(h.queue()))
			assert.True(t, h.queue().DeclinesKnown)
		})
	}
}
