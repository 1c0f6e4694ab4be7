package webui_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

func TestPortMovedBecause7860WasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.pass(h.process("1/1", 7860))
		h.pass()
		snapshot := h.pass(h.process("2/2", 0))
		assert.Equal(t, []line{{7860, webui.StateStarting}}, lines(snapshot), "it may still get the old port")

		snapshot = h.pass(h.process("2/2", 7861))
		assert.Equal(t, []line{{7861, webui.StateReady}}, lines(snapshot))
		assert.Equal(t, []stateTransition{{7861, webui.StateStarting, webui.StateReady}}, changes(snapshot))
	})
}

// TestInside: a server says itself that it is observed from inside, and so does the one after it.
func TestInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		inside := h.serve(7860)
		h.network.listen(loopback(7860), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-FaceFusion-Inside", "1")
			inside.ServeHTTP(w, r)
		}))
		snapshot := h.pass(h.process("1/1", 7860))
		assert.True(t, snapshot.Servers[0].Inside)
		assert.True(t, snapshot.Inside("ff"))
		assert.False(t, snapshot.Inside("other"))
		assert.False(t, (*webui.Snapshot)(nil).Inside("ff"))

		h.serve(7860)
		assert.False(t, h.pass(h.process("2/2", 7860)).Inside("ff"), "another process")
	})
}

func TestRestartOnTheSamePort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.pass(h.process("1/1", 7860))
		snapshot := h.pass(h.process("2/2", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot), "between two looks")

		h.pass()
		snapshot = h.pass(h.process("3/3", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot), "with a gap")
		assert.Equal(t, []stateTransition{{7860, webui.StateDown, webui.StateReady}}, changes(snapshot))

		h.pass()
		h.pass(h.process("4/4", 0))
		snapshot = h.pass(h.process("4/4", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot), "after a download")
		assert.Equal(t, []stateTransition{{7860, webui.StateStarting, webui.StateReady}}, changes(snapshot))
	})
}

// A port that another server took over from begins anew: its series had ended.
func TestEndedPortComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.pass(h.process("1/1", 7860))
		h.pass()
		h.pass(h.process("2/2", 7861))
		h.pass()
		snapshot := h.pass(h.process("3/3", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot))
		require.Len(t, snapshot.Servers[0].Probes, 4)
		assert.Equal(t, uint64(1), snapshot.Servers[0].Probes[0].Duration.Count)
	})
}

// TestOnlyWhatIsMissedIsDown: a process may leave an instance and live: the configuration gives it
// to another one, or it had joined for its runs only. Its server there has not ended.
func TestOnlyWhatIsMissedIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.observe(h.process("1/1", 7860), h.process("2/2", 7861))
		moved := h.process("2/2", 7861)
		moved.Instance = "studio"
		snapshot := h.observe(h.process("1/1", 7860), moved)
		require.Len(t, snapshot.Servers, 2)
		assert.Equal(t, "ff", snapshot.Servers[0].Instance)
		assert.Equal(t, "studio", snapshot.Servers[1].Instance)
		assert.Equal(t, []line{{7860, webui.StateReady}, {7861, webui.StateReady}}, lines(snapshot))

		gone := h.process("1/1", 7860)
		gone.Gone, gone.URL = true, nil
		assert.Equal(t, []line{{7860, webui.StateDown}}, lines(h.observe(gone)), "this one has ended")
		assert.Empty(t, lines(h.observe()), "and another has its place, or it is forgotten")
	})
}

func TestTwoServersOfAnInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		for _, port := range []int{7860, 7861, 7862} {
			h.serve(port)
		}
		h.pass(h.process("1/1", 7860), h.process("2/2", 7861))
		h.pass(h.process("1/1", 7860))
		snapshot := h.pass()
		assert.Equal(t, []line{{7860, webui.StateDown}, {7861, webui.StateDown}}, lines(snapshot))
		snapshot = h.pass(h.process("3/3", 7862))
		assert.Equal(t, []line{{7860, webui.StateDown}, {7862, webui.StateReady}}, lines(snapshot),
			"the one that was down longest gives its place")
	})
}

// A process that ran beside the one that died is not its successor.
func TestSiblingTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.pass(h.process("1/1", 7860), h.process("2/2", 0))
		h.pass(h.process("2/2", 0))
		snapshot := h.pass(h.process("2/2", 7861))
		assert.Equal(t, []line{{7860, webui.StateDown}, {7861, webui.StateReady}}, lines(snapshot))
	})
}

func TestTwoProcessesStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		snapshot := h.pass(h.process("1/1", 0), h.process("2/2", 0))
		assert.Equal(t, []line{{0, webui.StateStarting}}, lines(snapshot), "both have no port yet")
		snapshot = h.pass(h.process("1/1", 7860), h.process("2/2", 0))
		assert.Equal(t, []line{{0, webui.StateStarting}, {7860, webui.StateReady}}, lines(snapshot))
		snapshot = h.pass(h.process("1/1", 7860))
		assert.Equal(t, []line{{0, webui.StateDown}, {7860, webui.StateReady}}, lines(snapshot), "the second died while it downloaded")
		h.serve(7861)
		snapshot = h.pass(h.process("1/1", 7860), h.process("3/3", 7861))
		assert.Equal(t, []line{{7860, webui.StateReady}, {7861, webui.StateReady}}, lines(snapshot))
	})
}

func TestTwoProcessesOnOnePort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		for range 3 {
			snapshot := h.pass(h.process("1/1", 7860), h.process("2/2", 7860))
			assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot))
		}
		snapshot := h.pass(h.process("2/2", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot), "the other one takes over")
		assert.Empty(t, snapshot.Changes)
	})
}

func TestForgottenInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.pass(h.process("1/1", 7860))
		h.pass()
		snapshot, err := h.tracker.Observe(t.Context(), nil, nil)
		require.NoError(t, err)
		assert.Empty(t, snapshot.Servers)
	})
}

// The endpoints are looked for where they were, and elsewhere only for a new process or when they
// are gone for good.
func TestFlavourIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		plain := readRecording(t, "4.44.0").Moments["idle"]
		s.play(plain)
		detect := []string{"GET /gradio_api/startup-events", "GET /startup-events", "GET /queue/status", "GET /app_id"}
		h.pass(h.process("1/1", 7860))
		assert.Equal(t, detect, s.takeAsked())
		h.pass(h.process("1/1", 7860))
		assert.Equal(t, detect[1:], s.takeAsked())
		h.pass(h.process("2/2", 7860))
		assert.Equal(t, detect, s.takeAsked(), "a new process")

		s.play(h.idle)
		for _, state := range []webui.ServerState{webui.StateReady, webui.StateUnresponsive, webui.StateUnresponsive} {
			assert.Equal(t, state, only(t, h.pass(h.process("2/2", 7860))).State)
		}
		assert.Equal(t, []string{detect[1], detect[1], detect[1]}, s.takeAsked())
		assert.Equal(t, webui.StateReady, only(t, h.pass(h.process("2/2", 7860))).State)
	})
}

// FaceFusion 2.0 to 2.3 print a traceback each time they are asked for a queue that they do not
// have.
func TestQueueEndpointOfAnOlderGradio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		queueless := readRecording(t, "3.50.2-noqueue").Moments["idle"]
		s.play(queueless)
		h.pass(h.process("1/1", 7860))
		s.takeAsked()
		assert.Equal(t, webui.StateReady, only(t, h.pass(h.process("1/1", 7860))).State)
		assert.Equal(t, []string{"GET /startup-events", "GET /app_id"}, s.takeAsked())
		s.play(queueless, "/app_id")
		assert.Equal(t, webui.StateSaturated, only(t, h.pass(h.process("1/1", 7860))).State)
	})
}

// The statistics are asked for every 15 s, and never again where there are none.
func TestSummaryInterval(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		want   int
	}{
		{"there", 200, 4},
		{"not there", 404, 1},
		{"forbidden", 403, 1},
		{"broken", 500, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				asked := 0
				s := &fakeServer{}
				s.play(h.idle.with("/monitoring/summary", tt.status, `{"functions":{}}`))
				h.network.listen(loopback(7860), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/monitoring/summary" {
						asked++
					}
					s.ServeHTTP(w, r)
				}))
				for range 12 {
					h.pass(h.process("1/1", 7860))
				}
				assert.Equal(t, tt.want, asked, time.Minute)
				h.pass(h.process("2/2", 7860))
				assert.Equal(t, tt.want+1, asked, "a new process")
			})
		})
	}
}

// TestAnotherInstancesServer: two services of one checkout are distinguished by their ports, so
// that the second one starts in the instance of the first. Nothing of it is left there.
func TestAnotherInstancesServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.pass(h.process("1/1", 7860), h.process("2/2", 0))
		h.pass(h.process("1/1", 7860), h.process("2/2", 0))
		moved := h.process("2/2", 7861)
		moved.Instance = "ff-2"
		snapshot := h.pass(h.process("1/1", 7860), moved)
		assert.Equal(t, []line{{7860, webui.StateReady}, {7861, webui.StateReady}}, lines(snapshot))
		assert.NotContains(t, changes(snapshot), stateTransition{0, webui.StateStarting, webui.StateDown})
	})
}
