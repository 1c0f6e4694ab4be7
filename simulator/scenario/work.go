package scenario

import (
	"context"
	"errors"
	"syscall"

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

// work lets a process work on a queued job, in the order in which FaceFusion writes the file. It returns how the job ended.
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
		if err := p.jobs.Start(id, i); err != nil {
			return "", err
		}
		if err := p.attend(ctx, job.Steps[i%len(job.Steps)].Duration, worker.Done()); err != nil {
			return "", err
		}
		if last := i == steps-1; last && job.End != Completed {
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
