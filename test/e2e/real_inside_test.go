//go:build e2e && real

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestRealInside has the layout of facefusion-observability in a real FaceFusion, of which no file
// is edited: what its page counts is what happened, and the agent's trace of a run is in that of
// the click.
func TestRealInside(t *testing.T) {
	f := newFaceFusion(t)
	installed := installInside(t, f)
	taken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(taken.Close)
	f.env = append(f.env, "PYTHONPATH="+installed, "OTEL_EXPORTER_OTLP_ENDPOINT="+taken.URL)
	traces := filepath.Join(t.TempDir(), "traces.json")
	c := startWith(t, fmt.Sprintf(`
exporters: {file/traces: {path: %s, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [facefusion], exporters: [file/traces]}}}
`, traces))

	_, port, user := f.webUI("--ui-layouts", "observed")
	for _, way := range []string{"/healthz", "/readyz"} {
		require.Equal(t, http.StatusOK, status(t, port, way), way)
	}
	c.eventually(t, 2*time.Minute, "the agent knows that it is observed from inside", func(p page) bool {
		return len(p.samples("facefusion_instance_info", "facefusion_inside", "true")) == 1
	})
	c.eventually(t, time.Minute, "the folder of jobs is read", func(p page) bool {
		return len(p.samples("facefusion_job_folder_state", "facefusion_job_folder_state", "open")) == 1
	})
	run := func(target string) {
		user.must("target", f.input(target))
		user.do("click") // fails where the run does
	}
	run("gray.mp4")
	requireInside(t, port, map[string]float64{
		`facefusion_inside_steps_total{exit_code="0",outcome="completed"}`: 1,
		`facefusion_inside_frames_total{phase="processing"}`:               50,
		`facefusion_inside_frames_total{phase="analysing"}`:                50,
		`facefusion_active_tasks`:                                          0,
	})
	run("white.png")
	requireInside(t, port, map[string]float64{
		`facefusion_inside_steps_total{exit_code="3",outcome="declined"}`: 1,
		`facefusion_inside_content_declined_total`:                        1,
	})
	run("black.mp4")
	requireInside(t, port, map[string]float64{
		`facefusion_inside_steps_total{exit_code="exception",outcome="failed"}`: 1,
	})

	// The id of the job is the trace of the click.
	id := regexp.MustCompile(`00-([0-9a-f]{32})-([0-9a-f]{16})`)
	var job ptrace.Span
	require.Eventually(t, func() bool {
		for _, span := range read(t, traces) {
			name, _ := span.Attributes().Get("facefusion.job.id")
			if span.Name() == "facefusion.job" && strings.HasPrefix(name.Str(), "ui-") {
				job = span
				return true
			}
		}
		return false
	}, time.Minute, 100*time.Millisecond)
	name, _ := job.Attributes().Get("facefusion.job.id")
	parts := id.FindStringSubmatch(name.Str())
	require.NotNil(t, parts, name.Str())
	require.Equal(t, parts[1], job.TraceID().String())
	require.Equal(t, parts[2], job.ParentSpanID().String())
}

// installInside is the folder of the package that `make e2e-real` installed, whose layout is put
// beside FaceFusion's.
func installInside(t *testing.T, f *faceFusionCopy) (folder string) {
	t.Helper()
	folder = os.Getenv("FACEFUSION_INSIDE")
	require.NotEmpty(t, folder, "FACEFUSION_INSIDE names no folder with facefusion-observability: run `make e2e-real`")
	cmd := exec.Command(f.python, "-m", "facefusion_observability", "--layout", f.dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+folder)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, string(said))
	return folder
}

// requireInside waits until the page of the inside has values.
func requireInside(t *testing.T, port int, want map[string]float64) {
	t.Helper()
	var text string
	shown := assert.Eventually(t, func() bool {
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		text = string(body)
		if err != nil {
			return false
		}
		for series, value := range want {
			if !strings.Contains(text, "\n"+series+" "+strconv.FormatFloat(value, 'f', 1, 64)+"\n") {
				return false
			}
		}
		return true
	}, time.Minute, 200*time.Millisecond)
	require.True(t, shown, "want %v: see %s", want, text)
}

func status(t *testing.T, port int, path string) int {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
	require.NoError(t, err)
	defer answer.Body.Close()
	return answer.StatusCode
}
