package webui_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// after is what an instance passes like once its process table was told of it.
type after struct {
	name    string
	targets []webui.Target
	want    []line
}

// TestASuccessorStarts: what was started in place of a server that ended downloads models for
// longer than an alert on what is down waits. It is starting, where the other one was.
func TestASuccessorStarts(t *testing.T) {
	const starting, ready, down = webui.StateStarting, webui.StateReady, webui.StateDown
	live := func(id string, port uint16) webui.Target {
		target := webui.Target{Instance: "ff", Process: id, Port: port}
		if port != 0 {
			target.URL = mustURL(t, "http://"+loopback(int(port)))
		}
		return target
	}
	gone := func(id string, port uint16) webui.Target {
		return webui.Target{Instance: "ff", Process: id, Port: port, Gone: true}
	}
	of := func(list ...webui.Target) []webui.Target { return list }
	for name, passes := range map[string][]after{
		"a crash, and a restart on the same port": {
			{"runs", of(live("1/1", 7860)), []line{{7860, ready}}},
			{"crashed", of(gone("1/1", 7860)), []line{{7860, down}}},
			{"starts", of(live("2/2", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"still starts", of(live("2/2", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"runs again", of(live("2/2", 7860)), []line{{7860, ready}}},
		},
		"it was started again between two looks": {
			{"runs", of(live("1/1", 7860)), []line{{7860, ready}}},
			{"starts", of(live("2/2", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"runs again, on the next port", of(live("2/2", 7861)), []line{{7861, ready}}},
		},
		"a reboot, with storage": {
			{"starts", of(live("2/2", 0), gone("", 7860)), []line{{7860, starting}}},
			{"still starts", of(live("2/2", 0), gone("", 7860)), []line{{7860, starting}}},
			{"runs", of(live("2/2", 7860)), []line{{7860, ready}}},
		},
		"a reboot, and the collector was there first": {
			{"not yet", of(gone("", 7860)), []line{{7860, down}}},
			{"starts", of(live("2/2", 0), gone("", 7860)), []line{{7860, starting}}},
		},
		"a reboot of a named one without storage": {
			{"not yet", of(gone("", 0)), []line{{0, down}}},
			{"starts", of(live("2/2", 0)), []line{{0, starting}}},
		},
		"it crashes again before it listens": {
			{"runs", of(live("1/1", 7860)), []line{{7860, ready}}},
			{"starts", of(live("2/2", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"crashed again", of(gone("1/1", 7860), gone("2/2", 0)), []line{{7860, down}}},
			{"starts a third time", of(live("3/3", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"and gives up", of(gone("1/1", 7860), gone("3/3", 0)), []line{{7860, down}}},
		},
		"two ended, one was started again": {
			{"run", of(live("1/1", 7860), live("2/2", 7861)), []line{{7860, ready}, {7861, ready}}},
			{"one ended", of(live("1/1", 7860), gone("2/2", 7861)), []line{{7860, ready}, {7861, down}}},
			{"both", of(gone("1/1", 7860), gone("2/2", 7861)), []line{{7860, down}, {7861, down}}},
			{"one starts", of(live("3/3", 0), gone("1/1", 7860), gone("2/2", 7861)), []line{{7860, down}, {7861, starting}}},
			{"both start", of(live("3/3", 0), live("4/4", 0), gone("1/1", 7860), gone("2/2", 7861)), []line{{7860, starting}, {7861, starting}}},
			{"crosswise", of(live("3/3", 7860), live("4/4", 7861)), []line{{7860, ready}, {7861, ready}}},
		},
		"the other one was started beside it, and was no successor": {
			{"one runs, one starts", of(live("1/1", 7860), live("2/2", 0)), []line{{0, starting}, {7860, ready}}},
			{"the first ended", of(live("2/2", 0), gone("1/1", 7860)), []line{{0, starting}, {7860, down}}},
		},
		"somebody else opens the port": {
			{"runs", of(live("1/1", 7860)), []line{{7860, ready}}},
			{"starts", of(live("2/2", 0), gone("1/1", 7860)), []line{{7860, starting}}},
			{"the port is another's", of(live("2/2", 0), live("3/3", 7860)), []line{{0, starting}, {7860, ready}}},
			{"on another port", of(live("2/2", 7861), live("3/3", 7860)), []line{{7860, ready}, {7861, ready}}},
		},
		"another server beside it": {
			{"run", of(live("1/1", 7860), live("2/2", 7861)), []line{{7860, ready}, {7861, ready}}},
			{"starts", of(live("1/1", 7860), live("3/3", 0), gone("2/2", 7861)), []line{{7860, ready}, {7861, starting}}},
			{"elsewhere", of(live("1/1", 7860), live("3/3", 7862)), []line{{7860, ready}, {7862, ready}}},
		},
		"where it listens may not be looked at": {
			{"runs", of(live("1/1", 7860)), []line{{7860, ready}}},
			{"nothing is known", of(webui.Target{Instance: "ff", Process: "2/2", Unknown: true}, gone("1/1", 7860)), []line{{0, webui.StateUnknown}, {7860, down}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				for port := 7860; port < 7863; port++ {
					h.serve(port)
				}
				for _, pass := range passes {
					assert.Equal(t, pass.want, lines(h.observe(pass.targets...)), pass.name)
				}
			})
		})
	}
}

// TestACounterGoesOnAfterAStart: the totals of a server do not begin anew with its successor.
func TestACounterGoesOnAfterAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.pass(h.process("1/1", 7860))
		asked := func(s *webui.Snapshot) uint64 { return only(t, s).Probes[0].Duration.Count }
		before := asked(h.pass(h.process("1/1", 7860)))
		snapshot := h.pass(h.process("2/2", 0))
		assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateStarting}}, changes(snapshot))
		assert.Equal(t, before+1, asked(h.pass(h.process("2/2", 7860))))
	})
}
