package webprobe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// TestWhatTheDocumentsPromise plays the table of docs/servers.md: what ended how, named or found,
// what the page says while the collector runs, and what the next collector says, with and without
// storage. Whether a server that lives answers is a matter of internal/webui.
func TestWhatTheDocumentsPromise(t *testing.T) {
	const none, up = "none", "FaceFusionServerDown"
	kill, clean := int(unix.SIGKILL), int(unix.SIGTERM)
	for _, c := range []struct {
		role   string
		named  bool
		status int
		reboot bool
		// alert while the collector runs, kept and lost that of the next one with and without
		// storage
		alert, kept, lost string
	}{
		{role: "web UI", status: kill, alert: up, kept: up, lost: none},
		{role: "web UI", status: clean, alert: none, kept: none, lost: none},
		{role: "web UI", status: clean, reboot: true, alert: none, kept: up, lost: none},
		{role: "web UI", named: true, status: kill, alert: up, kept: up, lost: up},
		{role: "web UI", named: true, status: clean, alert: up, kept: up, lost: up},
		{role: "web UI", named: true, status: clean, reboot: true, alert: up, kept: up, lost: up},
		{role: "service", status: kill, alert: up, kept: up, lost: none},
		{role: "service", status: clean, alert: none, kept: none, lost: none},
		{role: "service", status: clean, reboot: true, alert: none, kept: up, lost: none},
		{role: "service", named: true, status: kill, alert: up, kept: up, lost: up},
		{role: "service", named: true, status: clean, alert: up, kept: up, lost: up},
		{role: "bot", status: kill, alert: "FaceFusionServiceDown", kept: "FaceFusionServiceDown", lost: none},
		{role: "bot", status: clean, alert: none, kept: none, lost: none},
		{role: "bot", status: clean, reboot: true, alert: none, kept: "FaceFusionServiceDown", lost: none},
		{role: "bot", named: true, status: kill, alert: up, kept: up, lost: up},
		{role: "bot", named: true, status: clean, alert: up, kept: up, lost: up},
		{role: "batch", status: kill, alert: none, kept: none, lost: none},
		{role: "batch", status: clean, alert: none, kept: none, lost: none},
		{role: "batch", status: clean, reboot: true, alert: none, kept: none, lost: none},
	} {
		t.Run(fmt.Sprintf("%s/named=%v/status=%d/reboot=%v", c.role, c.named, c.status, c.reboot), func(t *testing.T) {
			h := newPlayed(t, c.named)
			p := h.start(c.role)
			require.Equal(t, none, h.alert(), "it runs")
			h.end(p, c.status)
			require.Equal(t, c.alert, h.alert(), "the collector has seen it")
			if c.reboot {
				require.NoError(t, h.host.WriteFile("/proc/sys/kernel/random/boot_id", "two\n"))
			}
			saved, err := json.Marshal(h.table.Export())
			require.NoError(t, err)
			h.restart(saved)
			require.Equal(t, c.kept, h.alert(), "the next collector, with storage")
			h.restart(nil)
			require.Equal(t, c.lost, h.alert(), "the next collector, without storage")
		})
	}
}

// played is a host, and what observes it: the processes, then the servers.
type played struct {
	t       *testing.T
	host    *proctest.ProcRoot
	named   bool
	table   *process.Table
	tracker *webui.Tracker
}

func newPlayed(t *testing.T, named bool) *played {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Unix(1_795_000_000, 0))
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/opt/facefusion", "3.8.1"))
	require.NoError(t, host.WriteFile("/proc/sys/kernel/random/boot_id", "one\n"))
	h := &played{t: t, host: host, named: named}
	h.restart(nil)
	return h
}

// restart is the next collector, which knows what was saved.
func (h *played) restart(saved []byte) {
	settings := process.Settings{RootPath: h.host.Root()}
	if h.named {
		settings.Instances = []process.Configured{{Name: "studio", Path: "/opt/facefusion", Expected: true}}
	}
	h.table = process.NewTable(settings)
	table := h.table
	h.t.Cleanup(func() { require.NoError(h.t, table.Close()) })
	if saved != nil {
		var list []process.SavedInstance
		require.NoError(h.t, json.Unmarshal(saved, &list))
		h.table.Restore(list)
	}
	h.tracker = webui.NewTracker(webui.Settings{Client: &http.Client{Transport: refusingNetwork{}}})
}

// refusingNetwork stands for a network in which nobody answers at once: what lives is not of
// interest.
type refusingNetwork struct{}

func (refusingNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no answer")
}

func (h *played) start(role string) proctest.ProcEntry {
	p := proctest.ProcEntry{PID: 100, PPID: 1, Argv: []string{"python", "app.py"}, Cwd: "/opt/facefusion", StartTicks: 300_100}
	switch role {
	case "web UI":
		p.Argv = []string{"python", "facefusion.py", "run"}
	case "batch":
		p.Argv = []string{"python", "facefusion.py", "job-run-all"}
	}
	if role == "web UI" || role == "service" {
		p.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort("127.0.0.1:7860"), Inode: 100}}
	}
	require.NoError(h.t, h.host.Put(p))
	return p
}

func (h *played) end(p proctest.ProcEntry, status int) {
	p.State, p.ExitCode, p.Listens = "Z", status, nil
	require.NoError(h.t, h.host.Put(p))
	_, err := h.table.Observe(h.t.Context())
	require.NoError(h.t, err)
	require.NoError(h.t, h.host.Remove(p.PID))
}

// alert is what the rules of deploy/ make of the page: of those that report that nothing runs.
func (h *played) alert() string {
	snapshot, err := h.table.Observe(h.t.Context())
	require.NoError(h.t, err)
	servers, err := h.tracker.Observe(h.t.Context(), targets(snapshot, nil), known(snapshot, nil))
	require.NoError(h.t, err)
	for _, s := range servers.Servers {
		if s.State == webui.StateDown {
			return "FaceFusionServerDown"
		}
	}
	for _, i := range snapshot.Instances {
		for _, role := range i.Roles {
			if role.Role == process.RoleService && role.Count == 0 && !i.Stopped && len(servers.Servers) == 0 {
				return "FaceFusionServiceDown"
			}
		}
	}
	return "none"
}
