package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// lives adds a process that runs no job.
func (h *harness) lives(role ProcessRole, command string) ProcessID {
	h.process(role, time.Second)
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Command = command
	return p.ProcessID
}

// TestMakers: who made a job that bears a name of a user's.
func TestMakers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		id   string
		// before and after are what happens before the job is made, and after.
		before, after func(h *harness)
		want          jobfile.Origin
	}{
		{
			name: "job-create", want: jobfile.OriginCommandLine,
			before: func(h *harness) { h.webUI(); h.lives(RoleAdmin, "job-create") },
		},
		{
			name: "job-create, seen late", want: jobfile.OriginCommandLine,
			before: func(h *harness) { h.webUI() },
			after:  func(h *harness) { h.lives(RoleAdmin, "job-create") },
		},
		{
			name: "another command", want: jobfile.OriginOther,
			before: func(h *harness) { h.lives(RoleAdmin, "job-list") },
		},
		{
			name: "the job manager of a web UI", want: jobfile.OriginUI,
			before: func(h *harness) { h.webUI(); h.calls("apply", 7, 0); h.tick(time.Second) },
			after:  func(h *harness) { h.tick(20 * time.Second); h.calls("apply", 8, 0) },
		},
		{
			name: "a web UI whose job manager was not called", want: jobfile.OriginOther,
			before: func(h *harness) { h.webUI(); h.calls("apply", 7, 0); h.tick(time.Second) },
			after:  func(h *harness) { h.tick(20 * time.Second); h.calls("apply", 7, 0) },
		},
		{
			name: "a web UI that tells nothing", want: jobfile.OriginOther,
			before: func(h *harness) { h.webUI() },
		},
		{
			name: "a program around FaceFusion", want: jobfile.OriginCaller,
			before: func(h *harness) { h.lives(RoleService, "") },
		},
		{
			name: "its worker", want: jobfile.OriginCaller,
			before: func(h *harness) { h.lives(RoleWorker, "") },
		},
		{
			name: "a program and a web UI", want: jobfile.OriginOther,
			before: func(h *harness) { h.lives(RoleService, ""); h.webUI(); h.calls("apply", 7, 0) },
		},
		{
			name: "nobody", want: jobfile.OriginOther,
		},
		{
			name: "an id that tells", id: "batch-2026-11-25-22-00-00", want: jobfile.OriginBatch,
			before: func(h *harness) { h.lives(RoleAdmin, "job-create") },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := watching(t, Settings{})
			if c.before != nil {
				c.before(h)
			}
			h.pass()
			id := c.id
			if id == "" {
				id = "mine"
			}
			h.job("drafted/"+id, "drafted")
			h.pass()
			if c.after != nil {
				c.after(h)
			}
			h.tick(5 * time.Second)
			h.job("drafted/"+id, "queued")
			h.mv("drafted/"+id, "queued/"+id)
			h.pass()
			h.lives(RoleRunner, "job-run-all")
			h.job("queued/"+id, "started")
			h.pass()
			h.end(id, "completed")
			h.pass()
			assert.Equal(t, c.want, h.lastRun().Origin)
			require.Len(t, h.queue().Runs, 1)
			assert.Equal(t, RunKey{OutcomeCompleted, c.want, jobfile.MediaVideo}, h.queue().Runs[0].RunKey)
		})
	}
}

// TestAMakerIsKept over a restart of the collector, and over a retry.
func TestAMakerIsKept(t *testing.T) {
	t.Parallel()
	s := recordStore{}
	h := watching(t, Settings{Load: s.load})
	h.lives(RoleAdmin, "job-create")
	h.pass()
	h.job("drafted/mine", "drafted")
	h.pass()
	h.evidence.Processes = nil
	h.kill(s)
	h.pass()
	h.job("drafted/mine", "queued")
	h.mv("drafted/mine", "queued/mine")
	h.pass()
	for attempt := 1; attempt <= 3; attempt++ {
		h.job("queued/mine", "started")
		h.pass()
		h.end("mine", "failed")
		h.pass()
		run := h.lastRun()
		require.Equal(t, attempt, run.Attempt)
		require.Equal(t, jobfile.OriginCommandLine, run.Origin)
		h.kill(s)
		h.pass()
		h.job("failed/mine", "queued")
		h.mv("failed/mine", "queued/mine")
		h.pass()
	}
}

// TestPackedMakers: who made a job lies beside the number of its attempts.
func TestPackedMakers(t *testing.T) {
	t.Parallel()
	for _, maker := range makers {
		for _, attempt := range []int{1, 2, maxAttempt, maxAttempt + 1, 1 << 20} {
			g := finished{attempt: packMaker(attempt, maker)}
			assert.Equal(t, maker, g.maker())
			assert.Equal(t, min(attempt, maxAttempt), g.number())
		}
	}
	assert.Equal(t, 1, finished{attempt: 1}.number(), "as kept by a version before")
	assert.Empty(t, finished{attempt: 1}.maker())
}
