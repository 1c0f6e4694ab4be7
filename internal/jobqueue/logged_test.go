package jobqueue

import (
	"bytes"
	"fmt"
	"slices"
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

// TestAnImageThatWasRefused fails without a word: the log says that its step began, and no more.
func TestAnImageThatWasRefused(t *testing.T) {
	t.Parallel()
	const id = "headless-2026-11-22-16-15-19"
	for name, c := range map[string]struct {
		video bool
		none  bool          // the log does not say that the step began
		begun time.Duration // of the quiet step, from the start of the run
		over  time.Duration // of the next step, from the move of the file
		line  *LogLine
		steps []string
		want  Outcome
	}{
		"quiet for ever":              {want: OutcomeDeclined},
		"until the next one":          {over: 10 * time.Millisecond, want: OutcomeDeclined},
		"its second step":             {steps: []string{"completed", "failed"}, want: OutcomeDeclined},
		"a video":                     {video: true, want: OutcomeFailed},
		"a log that says no step":     {none: true, want: OutcomeFailed},
		"another one, long before":    {begun: -time.Minute, want: OutcomeFailed},
		"one that another came after": {over: -5 * time.Second, want: OutcomeFailed},
		"another cause":               {line: &LogLine{Job: id, Outcome: OutcomeFailed}, want: OutcomeFailed},
		"a cause of nobody's":         {line: &LogLine{Outcome: OutcomeFailed}, want: OutcomeFailed},
		"the cause of another job's":  {line: &LogLine{Job: "other", Outcome: OutcomeFailed}, want: OutcomeDeclined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Settings{})
			h.evidence.LogRead = true
			h.runner("headless-run")
			h.pass()
			write := func(path string, statuses ...string) {
				text := h.text(id, statuses...)
				if !c.video {
					text = bytes.ReplaceAll(text, []byte("clip.mp4"), []byte("face.jpg"))
				}
				h.write(path, text)
			}
			statuses := c.steps
			if statuses == nil {
				statuses = []string{"failed"}
			}
			running := slices.Clone(statuses)
			running[len(running)-1] = "started"
			write("queued/"+id, running...)
			h.pass()
			if !c.none {
				h.evidence.LogQuiet = []SilentStep{{Begun: h.now.Add(c.begun)}}
			}
			h.tick(6 * time.Second)
			h.took()
			if c.line != nil {
				c.line.Time = h.now
				h.evidence.Log = []LogLine{*c.line}
			}
			write("queued/"+id, statuses...)
			h.mv("queued/"+id, "failed/"+id)
			if c.over != 0 {
				h.evidence.LogQuiet[0].Ended = h.now.Add(c.over)
			}
			h.pass()
			h.tick(time.Second)
			assert.False(t, slices.ContainsFunc(h.took(), func(c Change) bool { return c.Ended }), "a line may still come")
			h.tick(logWait)
			assert.Equal(t, c.want, h.lastRun().Outcome)
			assert.Equal(t, c.want == OutcomeDeclined, h.lastRun().Basis == BasisLog)
		})
	}
}

// TestImagesThatFailAtOnce: a silent step is one image's. Where more failed than the log has silent
// steps, the others have their cause in a log that nobody reads, and nothing says which they are.
func TestImagesThatFailAtOnce(t *testing.T) {
	t.Parallel()
	type image struct {
		second int
		log    imageLog
		want   Outcome
	}
	for name, images := range map[string][]image{
		"one of two is in the log":            {{0, silent, OutcomeFailed}, {0, unread, OutcomeFailed}},
		"both are":                            {{0, silent, OutcomeDeclined}, {0, silent, OutcomeDeclined}},
		"the other one comes later":           {{0, silent, OutcomeFailed}, {2, unread, OutcomeFailed}},
		"the other one comes much later":      {{0, silent, OutcomeDeclined}, {20, unread, OutcomeFailed}},
		"the other one comes much earlier":    {{0, unread, OutcomeFailed}, {20, silent, OutcomeDeclined}},
		"a whole queue is refused":            {{0, silent, OutcomeDeclined}, {2, silent, OutcomeDeclined}, {4, silent, OutcomeDeclined}, {6, silent, OutcomeDeclined}},
		"another is among those of the queue": {{0, silent, OutcomeFailed}, {2, silent, OutcomeFailed}, {4, unread, OutcomeFailed}, {6, silent, OutcomeFailed}},
		"the other one says why":              {{0, silent, OutcomeDeclined}, {0, named, OutcomeFailed}},
		"the other one said why":              {{0, named, OutcomeFailed}, {4, silent, OutcomeDeclined}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Settings{})
			h.evidence.LogRead = true
			h.webUI()
			h.pass()
			want, outcomes := map[string]Outcome{}, map[string]Outcome{}
			for second := range 40 {
				for i, image := range images {
					if image.second == second {
						id := fmt.Sprintf("ui-2026-11-22-16-15-%02d", i)
						h.refuse(id, image.log)
						want[id] = image.want
					}
				}
				h.tick(time.Second)
				for _, change := range h.took() {
					if change.Ended {
						outcomes[change.Run.Job] = change.Run.Outcome
					}
				}
			}
			assert.Equal(t, want, outcomes)
		})
	}
}

// imageLog is where the log says what about an image that fails.
type imageLog int

const (
	silent imageLog = iota // that its step began, and no more
	unread                 // its process writes to another log
	named                  // why it failed, by the name of its job
)

// refuse has a job whose image fails.
func (h *harness) refuse(id string, log imageLog) {
	h.t.Helper()
	write := func(status string) {
		h.write("queued/"+id, bytes.ReplaceAll(h.text(id, status), []byte("clip.mp4"), []byte("face.jpg")))
	}
	write("started")
	switch quiet := h.evidence.LogQuiet; log {
	case silent:
		if len(quiet) > 0 {
			quiet[len(quiet)-1].Ended = h.now
		}
		h.evidence.LogQuiet = append(slices.Clone(quiet), SilentStep{Begun: h.now})
	case named:
		h.evidence.Log = append(slices.Clone(h.evidence.Log), LogLine{Time: h.now, Job: id, Outcome: OutcomeFailed})
	case unread:
	}
	h.pass()
	write("failed")
	h.mv("queued/"+id, "failed/"+id)
	h.pass()
}
