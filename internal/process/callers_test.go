package process_test

import (
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// callingHost has a program that starts a run in the checkout of a web UI.
func callingHost(t *testing.T, s process.Settings, ui proctest.ProcEntry) (w *harness, caller proctest.ProcEntry) {
	w = newHarness(t, s)
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(ui)
	w.pass()
	caller = proctest.ProcEntry{PID: 300, PPID: 1, Argv: words("node server.js"), Cwd: "/srv/api", StartTicks: 300_000}
	w.put(caller)
	r := runner(301, "/opt/facefusion")
	r.PPID = 300
	w.put(r)
	require.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleService: {300}, process.RoleRunner: {301}}, pids(only(t, w.pass())))
	w.end(r, 0)
	require.True(t, only(t, w.pass()).Up())
	return w, caller
}

// TestACallerKeepsNothingUp: what starts runs of a service is no reason to call that one up, nor
// does it take its place.
func TestACallerKeepsNothingUp(t *testing.T) {
	named := process.Settings{Instances: []process.Configured{{
		Name: "ui", Path: "/opt/facefusion", Match: &process.Match{Cmdline: regexp.MustCompile(`facefusion\.py run`)}, Expected: true,
	}}}
	for name, c := range map[string]struct {
		settings process.Settings
		status   int
		stopped  bool
	}{
		"found, killed": {process.Settings{}, int(unix.SIGKILL), false}, "found, stopped": {process.Settings{}, int(unix.SIGTERM), true},
		"named, killed": {named, int(unix.SIGKILL), false}, "named, stopped": {named, int(unix.SIGTERM), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ui := listeningServer(100, "/opt/facefusion", 7860)
				w, caller := callingHost(t, c.settings, ui)
				i := only(t, w.end(ui, c.status))
				assert.False(t, i.Up())
				assert.Equal(t, c.stopped, i.Stopped)
				assert.Equal(t, []ended{{7860, c.stopped}}, endedOf(i))

				// also when the caller is started again, and starts a run
				w.end(caller, int(unix.SIGTERM))
				caller.PID, caller.StartTicks = 302, 310_000
				w.put(caller)
				r := runner(303, "/opt/facefusion")
				r.PPID = 302
				w.put(r)
				assert.True(t, only(t, w.pass()).Up(), "the run")
				i = only(t, w.end(r, 0))
				assert.False(t, i.Up())
				assert.Equal(t, c.stopped, i.Stopped)
				assert.Contains(t, endedOf(i), ended{7860, c.stopped})

				w.put(listeningServer(104, "/opt/facefusion", 7860))
				i = only(t, w.pass())
				assert.True(t, i.Up())
				assert.Empty(t, endedOf(i))
			})
		})
	}
}
