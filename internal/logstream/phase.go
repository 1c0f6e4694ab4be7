package logstream

import (
	"strings"
	"time"
)

// Phase is a part of a step, as the word before a bar names it. The set is fixed, so that it may
// become an attribute.
type Phase string

// The phases.
const (
	PhaseAnalysing   Phase = "analysing"
	PhaseExtracting  Phase = "extracting"
	PhaseProcessing  Phase = "processing"
	PhaseMerging     Phase = "merging"
	PhaseStreaming   Phase = "streaming"
	PhaseDownloading Phase = "downloading"
	// PhaseOther is a bar that FaceFusion did not have up to 3.8.
	PhaseOther Phase = "other"
)

// Phases are those that count frames.
var Phases = [...]Phase{PhaseAnalysing, PhaseExtracting, PhaseProcessing, PhaseMerging, PhaseStreaming}

// Index is the place in Phases, -1 for a phase that counts no frames.
func (p Phase) Index() int {
	for i := range Phases {
		if Phases[i] == p {
			return i
		}
	}
	return -1
}

// known are the words before the bars; FaceFusion wrote them with a capital up to 3.4.
var known = [...]Phase{PhaseAnalysing, PhaseExtracting, PhaseProcessing, PhaseMerging, PhaseStreaming, PhaseDownloading}

func phaseOf(word []byte) Phase {
	for _, p := range known {
		if len(word) == len(p) && strings.EqualFold(string(word), string(p)) {
			return p
		}
	}
	return PhaseOther
}

// PhaseRun is how far one pass of a phase is: a bar from its first record to its last.
type PhaseRun struct {
	Phase Phase
	// Step is the step of the job that it belongs to, from 1; 0 where nothing said so.
	Step int
	// Started and Updated are when its first and its last record came. Where a stream comes in
	// bursts, Started is worked out from the bar's own clock.
	Started, Updated time.Time
	// Frames of Total are done. Total is 0 where the bar has none.
	Frames, Total int64
	// Elapsed is how long it took so far.
	Elapsed time.Duration
	// Rate is in frames a second over the last seconds; of one that has ended, over all of it. 0
	// while unknown.
	Rate float64
	// Left is how long the rest takes at that rate; negative while unknown.
	Left time.Duration
	// Ended says that the bar was closed, Completed that all frames were done by then.
	Ended, Completed bool
	// File is what is downloaded.
	File string
}

// Fraction of the frames that are done, 0 to 1; negative without a total.
func (r *PhaseRun) Fraction() float64 {
	if r.Total <= 0 {
		return -1
	}
	return min(float64(r.Frames)/float64(r.Total), 1)
}
