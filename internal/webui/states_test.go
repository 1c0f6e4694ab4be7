package webui_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// host is a host with servers, without sockets, and a tracker that looks at it every five seconds
// of a bubble's time.
type host struct {
	t       *testing.T
	network replayNetwork
	tracker *webui.Tracker
	idle    replayedMoment
	// living are the targets of the last pass, missed those that are gone and not replaced.
	living, missed []webui.Target
	// joined and ended are the passes at which processes came and went.
	joined, ended map[string]int
	passes        int
}

func newHost(t *testing.T) *host {
	h := &host{t: t, joined: map[string]int{}, ended: map[string]int{}, idle: readRecording(t, "5.50.0").Moments["idle"]}
	h.tracker = webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &h.network}})
	return h
}

// serve starts an idle server on a port.
func (h *host) serve(port int) *fakeServer {
	s := &fakeServer{}
	s.play(h.idle)
	h.network.listen(loopback(port), s)
	return s
}

// hang starts a server that never answers.
func (h *host) hang(port int) *fakeServer {
	s := &fakeServer{}
	s.play(h.idle, "/gradio_api/startup-events", "/startup-events", "/capabilities")
	h.network.listen(loopback(port), s)
	return s
}

func (h *host) refuse(port int) { h.network.listen(loopback(port), nil) }

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// process is a target for a process that listens on a port, or on none.
func (h *host) process(id string, port int) webui.Target {
	target := webui.Target{Instance: "ff", Process: id, Port: uint16(port)}
	if port != 0 {
		target.URL = mustURL(h.t, "http://"+loopback(port))
	}
	return target
}

// pass looks, five seconds after the last look began. Processes that it is not given any more have
// ended, and are missed until others have their places, as the process table has it.
func (h *host) pass(targets ...webui.Target) *webui.Snapshot {
	h.t.Helper()
	isOf := func(t webui.Target) func(webui.Target) bool {
		return func(o webui.Target) bool { return t.Process == o.Process }
	}
	h.passes++
	for _, t := range h.living {
		if t.Process != "" && !t.Gone && !slices.ContainsFunc(targets, isOf(t)) {
			t.Gone, t.URL = true, nil
			h.missed, h.ended[t.Process] = append(h.missed, t), h.passes
		}
	}
	for _, t := range targets {
		if t.Process == "" || t.Gone {
			continue
		}
		if h.joined[t.Process] == 0 {
			h.joined[t.Process] = h.passes
		}
		n := slices.IndexFunc(h.missed, func(m webui.Target) bool { return m.Port == t.Port })
		if n < 0 && t.Port != 0 {
			n = slices.IndexFunc(h.missed, func(m webui.Target) bool { return h.ended[m.Process] <= h.joined[t.Process] })
		}
		if n >= 0 {
			h.missed = slices.Delete(h.missed, n, n+1)
		}
	}
	h.living = targets
	return h.observe(append(slices.Clone(targets), h.missed...)...)
}

// observe looks at just these targets.
func (h *host) observe(targets ...webui.Target) *webui.Snapshot {
	h.t.Helper()
	begin := time.Now()
	snapshot, err := h.tracker.Observe(h.t.Context(), targets, []string{"ff"})
	require.NoError(h.t, err)
	time.Sleep(5*time.Second - time.Since(begin))
	return snapshot
}

// line is what matters of a server in most tests.
type line struct {
	port  uint16
	state webui.ServerState
}

func lines(s *webui.Snapshot) []line {
	var list []line
	for _, server := range s.Servers {
		list = append(list, line{server.Port, server.State})
	}
	return list
}

type stateTransition struct {
	port     uint16
	from, to webui.ServerState
}

func changes(s *webui.Snapshot) []stateTransition {
	var list []stateTransition
	for _, c := range s.Changes {
		list = append(list, stateTransition{c.Port, c.From, c.To})
	}
	return list
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)

		snapshot := h.pass(h.process("1/1", 0))
		assert.Equal(t, []line{{0, webui.StateStarting}}, lines(snapshot))
		assert.Empty(t, snapshot.Changes, "what the first look finds is no change")

		snapshot = h.pass(h.process("1/1", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot))
		assert.Equal(t, []stateTransition{{7860, webui.StateStarting, webui.StateReady}}, changes(snapshot))

		snapshot = h.pass(h.process("1/1", 7860))
		assert.Empty(t, snapshot.Changes)

		s.play(h.idle, "/gradio_api/startup-events")
		assert.Empty(t, h.pass(h.process("1/1", 7860)).Changes, "one slow answer is no outage")
		snapshot = h.pass(h.process("1/1", 7860))
		assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateUnresponsive}}, changes(snapshot))
		assert.False(t, snapshot.Servers[0].QueueSize.Known)

		s.play(h.idle)
		assert.Equal(t, []stateTransition{{7860, webui.StateUnresponsive, webui.StateReady}}, changes(h.pass(h.process("1/1", 7860))))

		h.refuse(7860)
		assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateUnresponsive}}, changes(h.pass(h.process("1/1", 7860))),
			"a process that served and now refuses does not start again")
		assert.Empty(t, h.pass(h.process("1/1", 0)).Changes, "nor does it once its socket is gone, and it stays where it was")

		snapshot = h.pass()
		assert.Equal(t, []stateTransition{{7860, webui.StateUnresponsive, webui.StateDown}}, changes(snapshot))
		for range 100 {
			snapshot = h.pass()
		}
		assert.Equal(t, []line{{7860, webui.StateDown}}, lines(snapshot), "down does not wear off")
	})
}

func TestSaturated(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hangs []string
	}{
		// all threads taken: as Gradio 5.50.0 does it, then as it would be if its login check were
		// async
		{"queue and app block", []string{"/gradio_api/queue/status", "/gradio_api/app_id"}},
		{"app blocks, queue answers", []string{"/gradio_api/app_id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				s := h.serve(7860)
				h.pass(h.process("1/1", 7860))
				s.play(h.idle, tt.hangs...)
				snapshot := h.pass(h.process("1/1", 7860))
				assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateSaturated}}, changes(snapshot))
				assert.Len(t, only(t, snapshot).Functions, 11, "the statistics take no thread")

				// a request that no thread takes stays in the server's memory
				s.takeAsked()
				for range 120 {
					snapshot = h.pass(h.process("1/1", 7860))
					assert.Equal(t, webui.StateSaturated, only(t, snapshot).State)
				}
				asked := 0
				for _, path := range s.takeAsked() {
					if path == "GET "+tt.hangs[0] {
						asked++
					}
				}
				assert.Equal(t, 12, asked, "5, 15, 35 and 75 s after the first, then each minute")

				s.play(h.idle)
				for range 12 {
					snapshot = h.pass(h.process("1/1", 7860))
				}
				assert.Equal(t, webui.StateReady, only(t, snapshot).State)
				assert.Equal(t, reading.Known[int64](0), only(t, snapshot).QueueSize)
			})
		})
	}
}

func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		unknown := h.process("1/1", 0)
		unknown.Unknown = true
		snapshot := h.pass(unknown)
		assert.Equal(t, []line{{0, webui.StateUnknown}}, lines(snapshot))
		assert.Equal(t, []line{{0, webui.StateDown}}, lines(h.pass()), "that it ended is known")

		h.pass(h.process("2/2", 7860))
		s.takeAsked()
		unreachable := h.process("2/2", 7860)
		unreachable.URL = nil
		snapshot = h.pass(unreachable)
		assert.Equal(t, []line{{7860, webui.StateUnknown}}, lines(snapshot))
		assert.Empty(t, snapshot.Changes)
		assert.Empty(t, s.takeAsked())
		assert.Empty(t, h.pass(h.process("2/2", 7860)).Changes, "it is as it was before")
		assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateDown}}, changes(h.pass()))
	})
}

// A configured endpoint has no process that could be looked at.
func TestConfiguredEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := &fakeServer{}
		h.network.listen("proxy.example", s)
		below := replayedMoment{}
		for path, a := range h.idle {
			below["/facefusion"+path] = a
		}
		s.play(below)
		endpoint := webui.Target{Instance: "ff", URL: mustURL(t, "https://proxy.example/facefusion/?token=secret")}
		assert.Equal(t, []line{{443, webui.StateReady}}, lines(h.pass(endpoint)))

		h.network.listen("proxy.example", nil)
		assert.Equal(t, []stateTransition{{443, webui.StateReady, webui.StateDown}}, changes(h.pass(endpoint)))
		h.network.listen("proxy.example", s)
		assert.Equal(t, []stateTransition{{443, webui.StateDown, webui.StateReady}}, changes(h.pass(endpoint)))

		assert.Empty(t, lines(h.pass()))
	})
}

// However many servers hang, a look takes no longer than four timeouts, and each server gets its
// turn.
func TestManyServersHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var targets []webui.Target
		for port := 7860; port < 7960; port++ {
			s := h.serve(port)
			s.play(h.idle, "/gradio_api/startup-events")
			target := h.process(strconv.Itoa(port), port)
			target.Instance = fmt.Sprint("ff-", port%4)
			targets = append(targets, target)
		}
		unresponsive := 0
		for range 26 { // 8 get their turn in each, and each needs two
			begin := time.Now()
			snapshot, err := h.tracker.Observe(t.Context(), targets, nil)
			require.NoError(t, err)
			assert.LessOrEqual(t, time.Since(begin), 12*time.Second)
			unresponsive = 0
			for _, s := range snapshot.Servers {
				if s.State == webui.StateUnresponsive {
					unresponsive++
				}
			}
		}
		assert.Equal(t, 100, unresponsive)
	})
}

// A slow server is not asked for longer than three timeouts.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := &fakeServer{}
		s.play(h.idle)
		h.network.listen(loopback(7860), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(2900 * time.Millisecond)
			s.ServeHTTP(w, r)
		}))
		begin := time.Now()
		snapshot, err := h.tracker.Observe(t.Context(), []webui.Target{h.process("1/1", 7860)}, nil)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(begin), 3*2900*time.Millisecond+2900*time.Millisecond)
		assert.Equal(t, webui.StateSaturated, only(t, snapshot).State)
	})
}
