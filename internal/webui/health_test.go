package webui_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// check is a health check of the server on a port of the bubble's network.
func (h *host) check(port int) *webui.HealthCheck {
	return &webui.HealthCheck{
		Client: &http.Client{Transport: &h.network}, URL: mustURL(h.t, "http://"+loopback(port)+"/health"),
		Timeout: time.Second, Interval: 5 * time.Second,
	}
}

func (h *host) checked(target webui.Target, check *webui.HealthCheck) webui.Target {
	target.Check = check
	return target
}

// TestHealthOfAService: the check decides, two failures in a row are one, and the service is asked
// for nothing else.
func TestHealthOfAService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.api(8000, replayedMoment{}.with("/health", 200, `{"status":"ok"}`))
		target := h.checked(h.process("1/1", 8000), h.check(8000))
		got := only(t, h.pass(target))
		assert.Equal(t, webui.StateReady, got.State)
		require.NotNil(t, got.Health)
		assert.Equal(t, 200, got.Health.StatusCode)
		s.takeAsked()
		for range 24 {
			h.pass(target)
		}
		asked := s.takeAsked()
		assert.Len(t, asked, 24)
		assert.NotContains(t, asked, "GET /startup-events")

		s.play(replayedMoment{}.with("/health", 503, `{"status":"loading"}`))
		assert.Equal(t, webui.StateReady, only(t, h.pass(target)).State, "one failure")
		got = only(t, h.pass(target))
		assert.Equal(t, webui.StateUnhealthy, got.State)
		assert.Equal(t, "status", got.Health.ErrorType)
		assert.Equal(t, 503, got.Health.StatusCode)
		s.play(replayedMoment{}.with("/health", 200, ``))
		snapshot := h.pass(target)
		assert.Equal(t, []stateTransition{{8000, webui.StateUnhealthy, webui.StateReady}}, changes(snapshot))

		s.play(replayedMoment{}, "/health")
		h.pass(target)
		assert.Equal(t, webui.StateUnhealthy, only(t, h.pass(target)).State, "it hangs")
		assert.Equal(t, webui.StateDown, only(t, h.pass()).State, "a process that is gone is no matter of the check")
	})
}

// TestTheFailureThreshold is one for those who want to know at once, and more for a busy host. Of a
// Gradio it is the silence, of a service the check.
func TestTheFailureThreshold(t *testing.T) {
	for threshold, shown := range map[int]int{0: 2, 1: 1, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t)
			h.tracker.Close()
			h.tracker = webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &h.network}, FailureThreshold: threshold})
			gradio := h.serve(7860)
			service := h.api(8000, replayedMoment{}.with("/health", 200, ``))
			targets := []webui.Target{h.process("1/1", 7860), h.checked(h.process("2/1", 8000), h.check(8000))}
			h.pass(targets...)
			gradio.play(h.idle, "/gradio_api/startup-events")
			service.play(replayedMoment{}.with("/health", 503, ``))
			for pass := 1; pass <= 4; pass++ {
				var states []webui.ServerState
				for _, s := range h.pass(targets...).Servers {
					states = append(states, s.State)
				}
				want := []webui.ServerState{webui.StateReady, webui.StateReady}
				if pass >= shown {
					want = []webui.ServerState{webui.StateUnresponsive, webui.StateUnhealthy}
				}
				assert.ElementsMatch(t, want, states, "threshold %d, pass %d", threshold, pass)
			}
		})
	}
}

// TestHealthOfAGradio: a Gradio has to be well by itself, and by its check.
func TestHealthOfAGradio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		target := h.checked(h.process("1/1", 7860), h.check(7860))
		h.pass(target)
		assert.Equal(t, webui.StateUnhealthy, only(t, h.pass(target)).State)
		s.play(h.idle.with("/health", 200, ``))
		assert.Equal(t, webui.StateReady, only(t, h.pass(target)).State)
		s.play(h.idle.with("/health", 200, ``), "/gradio_api/queue/status", "/gradio_api/app_id")
		assert.Equal(t, webui.StateSaturated, only(t, h.pass(target)).State)
	})
}

// TestHealthAlone: a server of which nothing but its check is known, on another host.
func TestHealthAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.api(8000, replayedMoment{}.with("/health", 200, ``))
		target := webui.Target{Instance: "ff", Port: 8000, Check: h.check(8000)}
		assert.Equal(t, []line{{8000, webui.StateReady}}, lines(h.pass(target)))
		h.refuse(8000)
		assert.Equal(t, []line{{8000, webui.StateDown}}, lines(h.pass(target)))
		assert.Empty(t, lines(h.pass()))
	})
}

// TestHealthInterval: a check has an interval of its own.
func TestHealthInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.api(8000, replayedMoment{}.with("/health", 200, ``))
		check := h.check(8000)
		check.Interval = 30 * time.Second
		for range 12 {
			h.pass(webui.Target{Instance: "ff", Port: 8000, Check: check})
		}
		assert.Len(t, s.takeAsked(), 2)
	})
}

// TestHealthJudges asks a real server.
func TestHealthJudges(t *testing.T) {
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/post" && r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case r.URL.Path == "/hangs":
			<-r.Context().Done()
		}
		_, _ = w.Write([]byte(`{"status": "ok"}`))
	}))
	defer ts.Close()
	for _, tt := range []struct {
		name   string
		change func(*webui.HealthCheck)
		err    string
	}{
		{"any 2xx", func(*webui.HealthCheck) {}, ""},
		{"another status", func(c *webui.HealthCheck) { c.Status = []int{204} }, "status"},
		{"a redirect is not followed", func(c *webui.HealthCheck) { c.URL.Path = "/moved" }, "status"},
		{"a redirect that is meant", func(c *webui.HealthCheck) { c.URL.Path, c.Status = "/moved", []int{302} }, ""},
		{"the body", func(c *webui.HealthCheck) { c.Body = regexp.MustCompile(`"status":\s*"ok"`) }, ""},
		{"another body", func(c *webui.HealthCheck) { c.Body = regexp.MustCompile(`"status":\s*"healthy"`) }, "body"},
		{"a method", func(c *webui.HealthCheck) { c.URL.Path, c.Method = "/post", http.MethodPost }, ""},
		{"another method", func(c *webui.HealthCheck) { c.URL.Path = "/post" }, "status"},
		{"it hangs", func(c *webui.HealthCheck) { c.URL.Path, c.Timeout = "/hangs", patience }, "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := &webui.HealthCheck{Client: &http.Client{Transport: &http.Transport{}}, URL: mustURL(t, ts.URL), Timeout: time.Minute, Interval: time.Second}
			tt.change(check)
			got := checkOnce(t, check)
			assert.Equal(t, tt.err, got.ErrorType)
			assert.Equal(t, tt.err == "", got.OK)
			assert.Positive(t, got.Duration)
			assert.False(t, got.CertificateExpiry.Known)
		})
	}
}

func checkOnce(t *testing.T, check *webui.HealthCheck) webui.CheckResult {
	t.Helper()
	tracker := webui.NewTracker(webui.Settings{})
	defer tracker.Close()
	snapshot, err := tracker.Observe(t.Context(), []webui.Target{{Instance: "ff", Port: 1, Check: check}}, nil)
	require.NoError(t, err)
	got := only(t, snapshot).Health
	require.NotNil(t, got)
	return *got
}

// TestHealthKnowsCertificates: when they expire is known also where they are not trusted.
func TestHealthKnowsCertificates(t *testing.T) {
	ts := quiet(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ts.StartTLS()
	defer ts.Close()
	want := reading.Known(ts.Certificate().NotAfter)
	check := &webui.HealthCheck{Client: ts.Client(), URL: mustURL(t, ts.URL), Timeout: time.Minute, Interval: time.Second}
	got := checkOnce(t, check)
	assert.True(t, got.OK)
	assert.Equal(t, want, got.CertificateExpiry)

	transport := ts.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	check.Client = &http.Client{Transport: transport}
	got = checkOnce(t, check)
	assert.Equal(t, "tls", got.ErrorType)
	assert.Equal(t, want, got.CertificateExpiry)
}

// TestGoneFromTheFirstPass: a server that was down before the collector started is down on its
// first page, and its return is one of the same server.
func TestGoneFromTheFirstPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		gone := webui.Target{Instance: "ff", Gone: true}
		snapshot := h.pass(gone)
		assert.Equal(t, []line{{0, webui.StateDown}}, lines(snapshot))
		assert.Empty(t, snapshot.Changes)
		assert.Equal(t, []line{{0, webui.StateDown}}, lines(h.pass(gone)))
		h.serve(7860)
		snapshot = h.pass(h.process("1/1", 7860))
		assert.Equal(t, []line{{7860, webui.StateReady}}, lines(snapshot))
		assert.Equal(t, []stateTransition{{7860, webui.StateDown, webui.StateReady}}, changes(snapshot))
		assert.Equal(t, []line{{7860, webui.StateDown}}, lines(h.pass(gone)), "it has a port now")
	})
}

// TestStoppedOnPurpose: whether a server that is gone was stopped may be known a little later, and
// each of several has a state of its own. Its return is one of the same server.
func TestStoppedOnPurpose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.serve(7860)
		h.serve(7861)
		h.pass(h.process("1/1", 7860), h.process("2/2", 7861))
		gone := func(id string, port uint16, stopped bool) webui.Target {
			return webui.Target{Instance: "ff", Process: id, Port: port, Gone: true, Stopped: stopped}
		}
		snapshot := h.pass(gone("1/1", 7860, true), gone("2/2", 7861, false))
		assert.Equal(t, []stateTransition{{7860, webui.StateReady, webui.StateStopped}, {7861, webui.StateReady, webui.StateDown}}, changes(snapshot))
		snapshot = h.pass(gone("1/1", 7860, true), gone("2/2", 7861, true))
		assert.Equal(t, []stateTransition{{7861, webui.StateDown, webui.StateStopped}}, changes(snapshot))
		snapshot = h.pass(h.process("3/3", 0), gone("1/1", 7860, true), gone("2/2", 7861, true))
		assert.Equal(t, []line{{7860, webui.StateStarting}, {7861, webui.StateStopped}}, lines(snapshot))
		snapshot = h.pass(h.process("3/3", 7860), gone("2/2", 7861, true))
		assert.Equal(t, []line{{7860, webui.StateReady}, {7861, webui.StateStopped}}, lines(snapshot))
		snapshot = h.pass(gone("2/2", 7861, true), gone("3/3", 7860, false))
		assert.Equal(t, []line{{7860, webui.StateDown}, {7861, webui.StateStopped}}, lines(snapshot), "the next end is another one")
	})
}

// TestStoppedFromTheFirstPass: an earlier collector knew where they were, and how they ended.
func TestStoppedFromTheFirstPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		snapshot := h.pass(webui.Target{Instance: "ff", Process: "1/1", Port: 7860, Gone: true, Stopped: true}, webui.Target{Instance: "ff", Port: 7861, Gone: true})
		assert.Equal(t, []line{{7860, webui.StateStopped}, {7861, webui.StateDown}}, lines(snapshot))
		assert.Empty(t, snapshot.Changes)
	})
}

// TestTwoServersOfAnEarlierBoot have no process that distinguishes them, and one of them comes
// back.
func TestTwoServersOfAnEarlierBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		gone := func(port uint16) webui.Target { return webui.Target{Instance: "ff", Port: port, Gone: true} }
		assert.Equal(t, []line{{7860, webui.StateDown}, {7861, webui.StateDown}}, lines(h.pass(gone(7860), gone(7861))))
		h.serve(7860)
		assert.Equal(t, []line{{7860, webui.StateReady}, {7861, webui.StateDown}}, lines(h.pass(h.process("1/1", 7860), gone(7861))))
	})
}

// TestEndpointOfAStoppedInstance: that nobody listens behind it is no outage.
func TestEndpointOfAStoppedInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.refuse(7860)
		endpoint := webui.Target{Instance: "ff", Port: 7860, URL: mustURL(t, "http://"+loopback(7860))}
		assert.Equal(t, []line{{7860, webui.StateDown}}, lines(h.pass(endpoint)))
		endpoint.Stopped = true
		assert.Equal(t, []line{{7860, webui.StateStopped}}, lines(h.pass(endpoint, webui.Target{Instance: "ff", Process: "1/1", Port: 7860, Gone: true, Stopped: true})))
		endpoint.Stopped = false
		assert.Equal(t, []line{{7860, webui.StateDown}}, lines(h.pass(endpoint)))
	})
}

// TestEndpointOnAnotherPort: a configured endpoint on another port, such as that of a reverse
// proxy, does not answer for the server of a process that is gone, whether the collector saw it end
// or starts afterwards. It does for one whose port nobody knows.
func TestEndpointOnAnotherPort(t *testing.T) {
	for name, before := range map[string]bool{"seen": true, "restored": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				h.serve(443)
				h.serve(7860)
				endpoint := h.process("", 443)
				if before {
					h.observe(endpoint, h.process("1/1", 7860))
				}
				gone := func(process string, port uint16) webui.Target {
					return webui.Target{Instance: "ff", Process: process, Port: port, Gone: true}
				}
				want := []line{{443, webui.StateReady}, {7860, webui.StateDown}}
				assert.Equal(t, want, lines(h.observe(endpoint, gone("1/1", 7860))))
				assert.Equal(t, want, lines(h.observe(endpoint, gone("", 7860))), "after a reboot")
				assert.Equal(t, want[:1], lines(h.observe(endpoint, gone("", 443))))
				assert.Equal(t, want[:1], lines(h.observe(endpoint, gone("", 0))))
			})
		})
	}
}
