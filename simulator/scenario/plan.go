package scenario

import (
	"iter"
	"math/rand/v2"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// ActKind is what an act is about.
type ActKind string

// The kinds.
const (
	UI       ActKind = "ui"       // a click on Start: the server works on a job of its own
	Headless ActKind = "headless" // headless-run
	// Jobs are drafted and submitted, then job-run-all works on all that is queued, orphans
	// included
	Nightly  ActKind = "nightly"
	Draft    ActKind = "draft"    // a job is drafted, and forgotten
	Retry    ActKind = "retry"    // job-retry of a failed job
	Tidy     ActKind = "tidy"     // finished jobs are deleted
	Saturate ActKind = "saturate" // the server's thread pool is exhausted for a while
	Hang     ActKind = "hang"     // the server hangs for a while
	Restart  ActKind = "restart"  // the server is killed, and downloads models when it starts again
)

// frequencies are the relative frequencies of the kinds.
var frequencies = []struct {
	kind  ActKind
	parts int
}{{UI, 40}, {Headless, 20}, {Nightly, 12}, {Draft, 3}, {Retry, 8}, {Tidy, 5}, {Saturate, 4}, {Hang, 3}, {Restart, 5}}

// End is how a job ends.
type End string

// The ends. An orphaned job keeps its started step for ever: its process was killed, or met an
// exception that FaceFusion does not catch.
const (
	Completed End = "completed"
	Failed    End = "failed"
	Orphaned  End = "orphaned"
)

// Act is one thing that happens to an instance. Times are those of a real host.
type Act struct {
	Kind ActKind
	// Pause is the time before it.
	Pause time.Duration
	// Jobs are those that the act brings; a retry has one to say how it goes.
	Jobs []Job
	// Waiting is how many clicks wait in the server's queue meanwhile.
	Waiting int
	// Length of acts that have no jobs.
	Length time.Duration
}

// Job is a job to come.
type Job struct {
	Steps []StepPlan
	End   End
}

// StepPlan is a step to come.
type StepPlan struct {
	jobs.StepArgs
	Duration time.Duration
}

const (
	meanPause = 30 * time.Second
	meanStep  = time.Minute
	// finalizing is the time for ffmpeg to join the parts, after the last step.
	finalizing = 5 * time.Second
)

// Plan generates the acts of an instance without end.
func Plan(seed uint64, instance int) iter.Seq[Act] {
	return func(yield func(Act) bool) {
		dice := rand.New(rand.NewPCG(seed, uint64(instance)))
		for yield(next(dice)) {
		}
	}
}

func next(dice *rand.Rand) Act {
	act := Act{Kind: drawKind(dice), Pause: span(dice, meanPause)}
	switch act.Kind {
	case UI:
		act.Jobs = []Job{drawJob(dice, 1)}
		act.Waiting = max(0, dice.IntN(5)-2)
	case Headless, Retry, Draft:
		act.Jobs = []Job{drawJob(dice, 1)}
	case Nightly:
		for range 2 + dice.IntN(3) {
			act.Jobs = append(act.Jobs, drawJob(dice, 1+dice.IntN(3)))
		}
	default:
		act.Length = span(dice, time.Minute)
	}
	return act
}

func drawKind(dice *rand.Rand) ActKind {
	var sum int
	for _, f := range frequencies {
		sum += f.parts
	}
	roll := dice.IntN(sum)
	for _, f := range frequencies {
		if roll -= f.parts; roll < 0 {
			return f.kind
		}
	}
	return UI // not reached: roll is less than the sum
}

func drawJob(dice *rand.Rand, steps int) Job {
	j := Job{End: Completed}
	switch roll := dice.IntN(100); {
	case roll < 12:
		j.End = Failed
	case roll < 18:
		j.End = Orphaned
	}
	for range steps {
		j.Steps = append(j.Steps, drawStep(dice))
	}
	return j
}

var processors = [][]string{{"face_swapper"}, {"face_swapper", "face_enhancer"}, {"frame_enhancer"}, {"lip_syncer"}}

func drawStep(dice *rand.Rand) StepPlan {
	s := StepPlan{Duration: span(dice, meanStep)}
	s.Source, s.Target, s.Output = "/data/in/portrait.jpg", "/data/in/clip.mp4", "/data/out/clip.mp4"
	if dice.IntN(3) == 0 {
		s.Target, s.Output, s.Duration = "/data/in/photo.jpg", "/data/out/photo.jpg", s.Duration/10
	}
	s.Processors = processors[dice.IntN(len(processors))]
	return s
}

// span is a truncated exponential distribution with this mean.
func span(dice *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(min(max(dice.ExpFloat64(), 0.1), 4) * float64(mean))
}
