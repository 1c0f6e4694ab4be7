//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// TestEvents runs the receiver in a metrics and a logs pipeline: each event is emitted when it
// occurs, with severity and body.
func TestEvents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.json")
	c := start(t, fmt.Sprintf(`
exporters: {file/events: {path: %s, flush_interval: 50ms}}
service: {pipelines: {logs: {receivers: [facefusion], exporters: [file/events]}}}
`, file))
	c.eventually(t, 3*time.Second, "the collector has looked once", func(p page) bool { return len(p.samples("facefusion_process_up")) == 1 })
	h := simulate(t, 1)
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	c.eventually(t, 5*time.Second, "it is ready", func(p page) bool { return state(p, server.Port(), "ready") })
	require.NoError(t, server.Kill(syscall.SIGKILL))

	want := []string{
		fmt.Sprintf("INFO facefusion.process.started FaceFusion server started, pid %d", server.PID()),
		fmt.Sprintf("ERROR facefusion.process.exited FaceFusion server exited, pid %d: killed, signal 9", server.PID()),
		fmt.Sprintf("ERROR facefusion.server.state_changed FaceFusion server on port %d: down, was ready", server.Port()),
	}
	// A pass may come between the start of the process and the opening of its port; and two probes
	// observe its end at different times.
	seen := func() []string {
		return slices.DeleteFunc(events(t, file), func(event string) bool { return strings.HasSuffix(event, "ready, was starting") })
	}
	require.Eventually(t, func() bool { return len(seen()) >= len(want) }, 5*time.Second, 50*time.Millisecond)
	require.ElementsMatch(t, want, seen())
	require.Equal(t, want[0], seen()[0])
}

// events are those in a file of the file exporter, one string each.
func events(t *testing.T, file string) (list []string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(lines.Bytes())
		require.NoError(t, err)
		for _, rl := range logs.ResourceLogs().All() {
			for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
				list = append(list, strings.Join([]string{record.SeverityText(), record.EventName(), record.Body().Str()}, " "))
			}
		}
	}
	return list
}
