package logstream

import (
	"fmt"
	"strings"
	"time"
)

// Totals are what a stream has said since it was opened.
type Totals struct {
	// Frames and Time are by the index of Phases: frames that were done, and time of phases that
	// ended.
	Frames [len(Phases)]int64
	Time   [len(Phases)]time.Duration
	// Causes are by the index of Causes, once for each step.
	Causes [len(Causes)]int64
	// ModelsLoaded took ModelTime; ModelsFailed could not be loaded. FaceFusion logs the first only
	// at log level debug.
	ModelsLoaded, ModelsFailed int64
	ModelTime                  time.Duration
	// Records were made, Dropped bytes were left out of them.
	Records, Dropped int64
}

// Add sums up.
func (t *Totals) Add(o *Totals) {
	for i := range t.Frames {
		t.Frames[i] += o.Frames[i]
		t.Time[i] += o.Time[i]
	}
	for i := range t.Causes {
		t.Causes[i] += o.Causes[i]
	}
	t.ModelsLoaded += o.ModelsLoaded
	t.ModelsFailed += o.ModelsFailed
	t.ModelTime += o.ModelTime
	t.Records += o.Records
	t.Dropped += o.Dropped
}

// Totals so far.
func (s *Stream) Totals() Totals { return s.totals }

// Open are the bars that are open, the one that moved last at the end.
func (s *Stream) Open() []PhaseRun {
	runs := make([]PhaseRun, 0, len(s.bars.open))
	for _, b := range s.bars.open {
		if b != s.bars.last && !b.parted {
			runs = append(runs, b.run)
		}
	}
	if s.bars.last != nil && !s.bars.last.parted {
		runs = append(runs, s.bars.last.run)
	}
	return runs
}

// text is what a bar says, without the bar.
func (r *PhaseRun) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", r.Phase)
	switch {
	case r.Total > 0:
		fmt.Fprintf(&b, "%d of %d", r.Frames, r.Total)
	case r.Frames > 0:
		fmt.Fprintf(&b, "%d", r.Frames)
	default:
		b.WriteString("ended")
	}
	if r.File != "" {
		fmt.Fprintf(&b, ", %s", r.File)
	}
	switch {
	case r.Completed:
		fmt.Fprintf(&b, ", completed in %v", r.Elapsed.Round(10*time.Millisecond))
	case r.Ended:
		fmt.Fprintf(&b, ", ended after %v", r.Elapsed.Round(10*time.Millisecond))
	case r.Left >= 0:
		fmt.Fprintf(&b, ", %v left", r.Left.Round(time.Second))
	}
	return b.String()
}

func trimRight(text []byte) []byte {
	for len(text) > 0 && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}

// indexGlued finds a message of FaceFusion that is glued to something else, -1 without one.
func indexGlued(line string) int {
	if i := strings.Index(line, scopeStart); i > 0 {
		return i
	}
	return -1
}
