package webui_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// targetOf is a server of an owner's instance.
func (h *host) targetOf(owner, instance string, port int) webui.Target {
	target := h.process(fmt.Sprint(port), port)
	target.Owner, target.Instance = owner, instance
	return target
}

// silent starts a server that takes connections and never answers.
func (h *host) silent(port int) {
	h.network.listen(loopback(port), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
}

func stateOf(s *webui.Snapshot, instance string) webui.ServerState {
	for _, server := range s.Servers {
		if server.Instance == instance {
			return server.State
		}
	}
	return webui.StateUnknown
}

// TestSilentServersDelayTheirOwnerOnly: 300 silent servers of one user hid a hang of another's for
// two minutes.
func TestSilentServersDelayTheirOwnerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		honest := h.serve(7860)
		targets := []webui.Target{h.targetOf("user 1000", "honest", 7860)}
		for i := range 300 {
			h.silent(8000 + i)
			targets = append(targets, h.targetOf("user 4001", fmt.Sprint("evil-", i%10), 8000+i))
		}
		for range 4 {
			begin := time.Now()
			snapshot := h.pass(targets...)
			require.Equal(t, webui.StateReady, stateOf(snapshot, "honest"))
			require.Equal(t, 5*time.Second, time.Since(begin), "no look takes longer than the interval")
		}
		honest.play(h.idle, "/gradio_api/startup-events")
		h.pass(targets...)
		assert.Equal(t, webui.StateUnresponsive, stateOf(h.pass(targets...), "honest"), "two looks, as ever")
	})
}

// TestSilentServersOfAnInstance: those of one user's instance do not hide the server of another of
// his instances.
func TestSilentServersOfAnInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		honest := h.serve(9860)
		targets := []webui.Target{h.targetOf("user 1000", "honest", 9860)}
		for i := range 30 {
			h.silent(8000 + i)
			targets = append(targets, h.targetOf("user 1000", "evil", 8000+i))
		}
		h.pass(targets...)
		honest.play(h.idle, "/gradio_api/startup-events")
		h.pass(targets...)
		assert.Equal(t, webui.StateUnresponsive, stateOf(h.pass(targets...), "honest"))
	})
}

// TestWhoWaitsForHimself: the servers of an owner who had his share are counted, and make no
// observation old: he could have an alert fire for everybody.
func TestWhoWaitsForHimself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var targets []webui.Target
		for i := range 300 {
			h.silent(8000 + i)
			targets = append(targets, h.targetOf("user 4001", fmt.Sprint("evil-", i%10), 8000+i))
		}
		snapshot := h.pass(targets...)
		assert.Zero(t, snapshot.Oldest)
		assert.Greater(t, snapshot.Waiting, 200)
		snapshot = h.pass(targets[:4]...)
		assert.Zero(t, snapshot.Waiting)
	})
}

// TestTheAgeIsTheOldestServers: the age of an observation is that of the server which has waited
// for others for longest. One that was away for a while has not waited.
func TestTheAgeIsTheOldestServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var targets []webui.Target
		for i := range 300 { // of so many users that all have less than their share
			h.silent(8000 + i)
			targets = append(targets, h.targetOf(fmt.Sprint("user ", i), fmt.Sprint("evil-", i), 8000+i))
		}
		h.serve(9860)
		h.pass(h.targetOf("user 1000", "honest", 9860))
		h.pass(targets[:1]...) // the honest one is away
		time.Sleep(5 * time.Minute)
		begin := time.Now()
		snapshot := h.pass(append(targets, h.targetOf("user 1000", "honest", 9860))...)
		assert.Equal(t, begin, snapshot.Oldest)
		for range 3 {
			snapshot = h.pass(targets...)
		}
		assert.Equal(t, begin, snapshot.Oldest, "none of its looks reached the last one")
		assert.Zero(t, snapshot.Waiting)
		assert.Zero(t, h.pass(targets[:4]...).Oldest)
	})
}

// TestServersOfAnInstanceAreBounded: each has series of its own.
func TestServersOfAnInstanceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var targets []webui.Target
		for port := 7860; port < 7960; port++ {
			h.serve(port)
			targets = append(targets, h.process(fmt.Sprint(port), port))
		}
		for range 8 { // all of them get their turn
			h.pass(targets...)
		}
		snapshot := h.pass(targets...)
		require.Len(t, snapshot.Servers, 32)
		assert.Equal(t, 68, snapshot.Over)
		first := snapshot.Servers[0].Port

		targets = slices.DeleteFunc(targets, func(t webui.Target) bool { return t.Port == first })
		h.pass(targets...)
		snapshot = h.pass(targets...)
		require.Len(t, snapshot.Servers, 32)
		for _, s := range snapshot.Servers {
			assert.Equal(t, webui.StateReady, s.State, "the place of one that ended goes to the next")
		}
		assert.Equal(t, 67, snapshot.Over)
	})
}

// TestAServerThatComesTakesOnePlace: at the limit, of two servers that are down one gives its
// place.
func TestAServerThatComesTakesOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		var targets []webui.Target
		for port := 7860; port < 7892; port++ {
			h.serve(port)
			targets = append(targets, h.process(fmt.Sprint(port), port))
		}
		for range 8 {
			h.pass(targets...)
		}
		require.Len(t, h.pass(targets...).Servers, 32)
		targets = targets[2:]
		h.pass(targets...)
		h.serve(7900)
		snapshot := h.pass(append(targets, h.process("7900", 7900))...)
		require.Len(t, snapshot.Servers, 32)
		assert.Equal(t, webui.StateDown, snapshot.Servers[0].State)
		assert.NotEmpty(t, snapshot.Servers[0].Probes, "what it counted is kept")
	})
}
