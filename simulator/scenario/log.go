package scenario

import (
	"context"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/logs"
)

const (
	// framesPerSecond of a target whose step takes as long as planned, analysing for a fifth of it.
	framesPerSecond = 25
	analysingShare  = 5
	// showEvery is how often a bar is drawn, as tqdm does.
	showEvery = 100 * time.Millisecond
)

// workStep lets the time of a step pass, and shows it in the log. Of a job that is not to complete,
// how is what happens to its last step; empty otherwise.
func (p *Player) workStep(ctx context.Context, planned time.Duration, how failure, workerDone <-chan struct{}) error {
	frames := max(int(planned.Seconds())*framesPerSecond, 1)
	declined := 0
	if how == failDeclined {
		declined = 100
	}
	if how == failNoFace {
		if err := p.attend(ctx, planned, workerDone); err != nil {
			return err
		}
		return p.stderr.Line("CORE", "no source face detected!")
	}
	analysing := planned / analysingShare
	if err := p.pass(ctx, p.stderr.Analyse(frames, declined), frames, analysing, workerDone); err != nil || how == failDeclined {
		return err
	}
	bar := p.stderr.Process(frames)
	if how == failException {
		if err := bar.Show(0); err != nil {
			return err
		}
		if err := p.attend(ctx, planned-analysing, workerDone); err != nil {
			return err
		}
		return p.stderr.Traceback()
	}
	return p.pass(ctx, bar, frames, planned-analysing, workerDone)
}

// pass lets the time of one bar pass.
func (p *Player) pass(ctx context.Context, bar *logs.Bar, frames int, planned time.Duration, workerDone <-chan struct{}) error {
	begin, length := time.Now(), time.Duration(float64(planned)/p.Speed)
	for {
		done := time.Since(begin)
		if done >= length {
			break
		}
		if err := bar.Show(int(float64(frames) * done.Seconds() / length.Seconds())); err != nil {
			return err
		}
		step := time.Duration(float64(min(showEvery, length-done)) * p.Speed)
		if err := p.attend(ctx, step, workerDone); err != nil {
			return err
		}
	}
	if err := bar.Show(frames); err != nil {
		return err
	}
	return bar.End()
}

// failure is why a job does not complete, according to its log.
type failure string

const (
	failDeclined  failure = "declined"
	failNoFace    failure = "no face"
	failOutput    failure = "no output"
	failException failure = "exception"
	failKilled    failure = "killed"
)

// failureOf is how the last step of a job ends: it follows from the job, so that the plan stays as
// it is.
func failureOf(id string, end End, server bool) failure {
	switch {
	case end == Completed:
		return ""
	case end == Orphaned && server:
		return failException
	case end == Orphaned:
		return failKilled
	default:
		sum := 0
		for _, b := range []byte(id) {
			sum += int(b)
		}
		return []failure{failDeclined, failNoFace, failOutput}[sum%3]
	}
}
