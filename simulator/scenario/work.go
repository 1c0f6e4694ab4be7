package scenario

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
)

// run lets a runner work on jobs, and exit. An orphaned one ends it at once: its runner was killed.
func (p *Player) run(ctx context.Context, runner *host.Proc, planned map[string]Job, ids ...string) error {
	code := 0
	for _, id := range ids {
		job, ok := planned[id]
		if !ok { // an orphan of earlier days
			job = Job{Steps: []StepPlan{{Duration: meanStep}}, End: Completed}
		}
		end, err := p.work(ctx, runner, id, job)
		if err != nil {
			return errors.Join(err, runner.Kill(syscall.SIGKILL))
		}
		switch end {
		case Failed:
			code = 1
		case Orphaned:
			return runner.Kill(syscall.SIGKILL)
		}
	}
	return runner.Exit(code)
}

// step lets a process work on one step; last says that the job does not get beyond it.
func (p *Player) step(ctx context.Context, worker *host.Proc, id string, job Job, i, steps int, last bool) error {
	if err := p.jobs.Start(id, i); err != nil {
		return err
	}
	if err := p.stderr.Line("CORE", "processing step %d of %d", i+1, steps); err != nil {
		return err
	}
	how, begin := failure(""), time.Now()
	if last {
		how = failureOf(id, job.End, worker == p.server.Load())
	}
	if err := p.workStep(ctx, job.Steps[i%len(job.Steps)].Duration, how, worker.Done()); err != nil {
		return err
	}
	switch how {
	case "":
		return p.stderr.Line("TO_VIDEO", "processing to video succeeded in %.2f seconds", time.Since(begin).Seconds())
	case failOutput:
		return p.stderr.Line("TO_VIDEO", "processing to video failed")
	default:
		return nil
	}
}

// work lets a process work on a queued job, in the order in which FaceFusion writes the file. It
// returns how the job ended.
func (p *Player) work(ctx context.Context, worker *host.Proc, id string, job Job) (End, error) {
	steps, err := p.jobs.Steps(id)
	if err != nil {
		return "", err
	}
	if err := worker.SetWorking(true); err != nil {
		return "", err
	}
	p.worker.Store(worker)
	defer p.worker.Store(nil)
	for i := range steps {
		last := i == steps-1 && job.End != Completed
		if err := p.step(ctx, worker, id, job, i, steps, last); err != nil {
			return "", err
		}
		if last {
			break
		}
		if err := p.jobs.CompleteStep(id, i); err != nil {
			return "", err
		}
	}
	if err := worker.SetWorking(false); err != nil {
		return "", err
	}
	switch job.End {
	case Completed:
		p.wait(ctx, finalizing)
		return Completed, p.jobs.Complete(id)
	case Failed:
		return Failed, p.jobs.Fail(id)
	default:
		return Orphaned, nil
	}
}
