package scenario

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/logs"
)

// Player plays the acts of one instance in order.
type Player struct {
	Host     *host.Machine
	Instance int
	// Speed is how many times faster than on a real host time passes.
	Speed float64

	jobs   *jobs.Manager
	stderr *logs.Stderr
	tally  gradio.Tally
	// Only Play changes them.
	server, worker atomic.Pointer[host.Proc]
}

// Processes are the server and the process that works, which may be the same. They are nil while
// there are none, and may be so while Play runs.
func (p *Player) Processes() (server, worker *host.Proc) {
	return alive(p.server.Load()), alive(p.worker.Load())
}

func alive(proc *host.Proc) *host.Proc {
	if proc == nil || proc.ProcessState() != nil {
		return nil
	}
	return proc
}

// Play plays until the context ends; then it returns nil. Processes that are killed and jobs that
// are deleted from outside are not errors.
func (p *Player) Play(ctx context.Context, acts iter.Seq[Act]) error {
	p.jobs, p.stderr = p.Host.Jobs(p.Instance), p.Host.Stderr(p.Instance)
	for act := range acts {
		err := p.ensureServer(ctx)
		if err == nil && p.wait(ctx, act.Pause) {
			err = p.perform(ctx, act)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, host.ErrExited) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("play %s on instance %d: %w", act.Kind, p.Instance, err)
		}
	}
	return nil
}

func (p *Player) perform(ctx context.Context, act Act) error {
	switch act.Kind {
	case UI:
		return p.click(ctx, act)
	case Headless:
		return p.headless(ctx, act.Jobs[0])
	case Nightly:
		return p.nightly(ctx, act.Jobs)
	case Draft:
		_, err := p.create(dated("draft-"), act.Jobs[0])
		return err
	case Retry:
		return p.retry(ctx, act.Jobs[0])
	case Tidy:
		return p.tidy()
	case Saturate:
		return p.misbehave(ctx, gradio.Saturated, act.Length)
	case Hang:
		return p.misbehave(ctx, gradio.Hang, act.Length)
	default: // Restart: the next act finds no server
		return p.server.Load().Kill(syscall.SIGKILL)
	}
}

// ensureServer starts the server if none runs. The server downloads models first.
func (p *Player) ensureServer(ctx context.Context) error {
	if alive(p.server.Load()) != nil {
		return nil
	}
	server, err := p.Host.StartServer(p.Instance, func(state *fakeproc.Instruction) { state.Downloading = true }, "--execution-providers", "cuda")
	if err != nil {
		return err
	}
	p.server.Store(server)
	p.tally = gradio.Tally{}
	p.wait(ctx, meanPause)
	return server.SetDownloading(false)
}

// click plays a job from the web UI.
func (p *Player) click(ctx context.Context, act Act) error {
	id, err := p.create(dated("ui-"), act.Jobs[0])
	if err != nil {
		return err
	}
	if err := p.jobs.Submit(id); err != nil {
		return err
	}
	p.tally.Begin("start")
	p.tally.End("start", 3.5, true)
	p.tally.Begin("run")
	began := time.Now()
	if err := p.say(act.Waiting); err != nil {
		return err
	}
	end, err := p.work(ctx, p.server.Load(), id, act.Jobs[0])
	if err != nil {
		return err
	}
	// To Gradio, a job that failed is a request that succeeded. Only an exception is not, and it
	// leaves an orphan.
	p.tally.End("run", time.Since(began).Seconds(), end != Orphaned)
	return p.say(0)
}

func (p *Player) say(waiting int) error {
	return p.server.Load().Set(func(state *fakeproc.Instruction) {
		state.Gradio.Mode, state.Gradio.QueueSize, state.Gradio.Functions = gradio.Normal, waiting, p.tally.Summary()
	})
}

func (p *Player) misbehave(ctx context.Context, mode gradio.Mode, length time.Duration) error {
	if err := p.server.Load().SetMode(mode); err != nil {
		return err
	}
	p.wait(ctx, length)
	return p.server.Load().SetMode(gradio.Normal)
}

func (p *Player) headless(ctx context.Context, job Job) error {
	s := job.Steps[0]
	runner, err := p.Host.StartRunner(p.Instance, "headless-run", "--source-paths", s.Source, "--target-path", s.Target, "--output-path", s.Output)
	if err != nil {
		return err
	}
	id, err := p.create(dated("headless-"), job)
	if err != nil {
		return err
	}
	if err := p.jobs.Submit(id); err != nil {
		return err
	}
	return p.run(ctx, runner, map[string]Job{id: job}, id)
}

func (p *Player) nightly(ctx context.Context, planned []Job) error {
	var ids []string
	known := map[string]Job{}
	for _, job := range planned {
		id, err := p.create(numbered("nightly-"), job)
		if err != nil {
			return err
		}
		ids = append(ids, id)
		known[id] = job
	}
	for _, id := range ids {
		if err := p.jobs.Submit(id); err != nil {
			return err
		}
	}
	queued, err := p.jobs.List(jobs.Queued)
	if err != nil {
		return err
	}
	runner, err := p.Host.StartRunner(p.Instance, "job-run-all")
	if err != nil {
		return err
	}
	return p.run(ctx, runner, known, queued...)
}

func (p *Player) retry(ctx context.Context, job Job) error {
	failed, err := p.jobs.List(jobs.Failed)
	if err != nil || len(failed) == 0 {
		return err
	}
	id := failed[0]
	runner, err := p.Host.StartRunner(p.Instance, "job-retry", id)
	if err != nil {
		return err
	}
	if err := p.jobs.Retry(id); err != nil {
		return err
	}
	return p.run(ctx, runner, map[string]Job{id: job}, id)
}

// tidy deletes finished jobs, which FaceFusion itself never does.
func (p *Player) tidy() error {
	for _, status := range []jobs.StepStatus{jobs.Completed, jobs.Failed} {
		ids, err := p.jobs.List(status)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := p.jobs.Delete(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Player) create(name func(n int) string, job Job) (string, error) {
	steps := make([]jobs.StepArgs, len(job.Steps))
	for i, s := range job.Steps {
		steps[i] = s.StepArgs
	}
	for n := 0; ; n++ {
		id := name(n)
		if err := p.jobs.Create(id, steps...); !errors.Is(err, jobs.ErrExists) {
			return id, err
		}
	}
}

// dated names jobs as FaceFusion does. FaceFusion gives up where two fall into the same second; at
// our speed the next free second must do.
func dated(prefix string) func(n int) string {
	now := time.Now()
	return func(n int) string {
		return prefix + now.Add(time.Duration(n)*time.Second).Format("2006-01-02-15-04-05")
	}
}

// numbered names jobs as an operator does.
func numbered(prefix string) func(n int) string {
	return func(n int) string { return fmt.Sprintf("%s%03d", prefix, n+1) }
}

// wait lets time pass and reports whether the play goes on.
func (p *Player) wait(ctx context.Context, d time.Duration) bool { return p.attend(ctx, d, nil) == nil }

// attend lets time pass, but returns early if a worker ends.
func (p *Player) attend(ctx context.Context, d time.Duration, workerDone <-chan struct{}) error {
	timer := time.NewTimer(time.Duration(float64(d) / p.Speed))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-workerDone:
		return host.ErrExited
	case <-ctx.Done():
		return ctx.Err()
	}
}
