package facefusionreceiver

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
)

// exportingHost is a Collector with one exporter of metrics.
type exportingHost struct {
	component.Host
	exporter string
}

func (h exportingHost) GetExporters() map[pipeline.Signal]map[component.ID]component.Component {
	id := component.MustNewIDWithName(h.exporter, "page")
	return map[pipeline.Signal]map[component.ID]component.Component{pipeline.SignalMetrics: {id: nil}}
}

// TestThePageIsFoundAmongOwnPorts: once it has metrics of FaceFusion, and is then asked no more.
func TestThePageIsFoundAmongOwnPorts(t *testing.T) {
	var asked, ready atomic.Int64
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" && asked.Add(1) > 0 && ready.Load() > 0 {
			fmt.Fprint(w, "# TYPE\nfacefusion_instances 1\n")
		}
	}))
	defer page.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "otelcol_receiver_facefusion_observations 1\n")
	}))
	defer other.Close()
	core, logs := zapobserver.New(zap.InfoLevel)
	f := newPageFinder(zap.New(core))
	require.NoError(t, f.observe(t.Context()))
	require.Zero(t, logs.Len(), "it has nothing of FaceFusion yet")
	require.EqualValues(t, 1, asked.Load())
	ready.Store(1)
	require.ErrorIs(t, f.observe(t.Context()), poll.ErrDone)
	require.Equal(t, 1, logs.Len())
	require.Equal(t, map[string]any{"url": page.URL + "/metrics"}, logs.All()[0].ContextMap())
	require.EqualValues(t, 2, asked.Load())
}

// TestNoPageIsLookedForInVain: after half a minute, or where nobody makes one.
func TestNoPageIsLookedForInVain(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	f := newPageFinder(zap.NewNop())
	for range pageAttempts {
		require.NoError(t, f.observe(t.Context()))
	}
	require.ErrorIs(t, f.observe(t.Context()), poll.ErrDone)
	require.EqualValues(t, pageAttempts, asked.Load())
	require.True(t, makesPage(exportingHost{componenttest.NewNopHost(), "prometheus"}))
	require.False(t, makesPage(exportingHost{componenttest.NewNopHost(), "otlp_http"}))
	require.False(t, makesPage(componenttest.NewNopHost()))
	require.LessOrEqual(t, pageAttempts*pageInterval, time.Minute)
}

// TestAPageWithTLS is found as well, and its server has nothing to log, nor has one without.
func TestAPageWithTLS(t *testing.T) {
	var said bytes.Buffer
	serve := func(text string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		s.Config.ErrorLog = log.New(&said, "", 0)
		t.Cleanup(s.Close)
		return s
	}
	serve("nothing of it\n").Start()
	page := serve("# TYPE\nfacefusion_instances 1\n")
	page.StartTLS()
	core, logs := zapobserver.New(zap.InfoLevel)
	f := newPageFinder(zap.New(core))
	require.ErrorIs(t, f.observe(t.Context()), poll.ErrDone)
	require.Equal(t, 1, logs.Len())
	require.Equal(t, map[string]any{"url": page.URL + "/metrics"}, logs.All()[0].ContextMap())
	page.Close()
	require.Empty(t, said.String())
}

// TestAPortThatRefusesIsAskedOnce: it would log each request.
func TestAPortThatRefusesIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	f := newPageFinder(zap.NewNop())
	for range 3 {
		require.NoError(t, f.observe(t.Context()))
	}
	require.EqualValues(t, 1, asked.Load())
}
