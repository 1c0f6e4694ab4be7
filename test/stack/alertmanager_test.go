//go:build stack

package stack

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startAlertmanager starts a real one with the project's configuration: its secrets in files of the
// test, its receivers those of the test, its patience shortened.
func startAlertmanager(t *testing.T, port int, p *people) *program {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(repository+"/deploy/alertmanager")))
	secrets := filepath.Join(dir, "secrets")
	require.NoError(t, os.Mkdir(secrets, 0o700))
	for name, secret := range map[string]string{
		"smtp-password": "mail's password", "wecom-secret": "wecom's secret",
		"dingtalk-url": p.web.URL + "/robot/send?access_token=robot%27s+token", "watchdog-url": p.web.URL + "/alive",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte(secret), 0o600))
	}
	file := filepath.Join(dir, "alertmanager.yml")
	config, err := os.ReadFile(file)
	require.NoError(t, err)
	config = replace(t, config, "/etc/alertmanager/secrets", secrets)
	config = replace(t, config, "smtp.example.com:587", p.mail)
	// The mail server of the test has no certificate.
	config = replace(t, config, "smtp_require_tls: true", "smtp_require_tls: false\n  wechat_api_url: "+p.web.URL+"/")
	config = regexp.MustCompile(`group_wait: .*`).ReplaceAll(config, []byte("group_wait: 2s"))
	config = regexp.MustCompile(`group_interval: .*`).ReplaceAll(config, []byte("group_interval: 5s"))
	require.NoError(t, os.WriteFile(file, config, 0o600))

	started := start(t, nil, ".cache/prometheus/alertmanager", "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
		"--cluster.listen-address=", "--web.listen-address="+loopback(port))
	started.ready(t, "http://"+loopback(port)+"/-/ready")
	return started
}

// testServerDown: FaceFusion ends, and every receiver is notified of the instance, the host and the
// remedy.
func testServerDown(t *testing.T, h *simulatedHost, p *people) {
	// Prometheus sends what fires once more after a minute: what it said before it knew
	// Alertmanager is lost.
	eventually(t, 2*time.Minute, "the dead man's switch hears of it", func() bool { return p.received(&p.watches, `"alertname":"Watchdog"`) != "" })
	h.simulator.end(t, syscall.SIGKILL)
	title := "[FaceFusion] critical: FaceFusionServerDown on " + h.name
	runbook := "/docs/runbooks/FaceFusionServerDown.md"
	eventually(t, 2*time.Minute, "somebody gets up", func() bool {
		return p.received(&p.wecom, title) != "" && p.received(&p.dingtalk, title) != "" && p.received(&p.mails, "FaceFusionServerDown on", runbook) != ""
	})

	wecom := fields(t, p.received(&p.wecom, title))
	require.Equal(t, "text", wecom["msgtype"])
	text := wecom["text"].(map[string]any)["content"].(string)
	require.True(t, strings.HasPrefix(text, title), text)
	require.Contains(t, text, runbook)

	markdown := fields(t, p.received(&p.dingtalk, title))["markdown"].(map[string]any)
	require.Equal(t, title, markdown["title"])
	require.True(t, strings.HasPrefix(markdown["text"].(string), "### "+title+"\n"), markdown["text"])
	require.Contains(t, markdown["text"], "[What to do](https://")
	require.Contains(t, p.received(&p.mails, "FaceFusionServerDown on", runbook), "To: on-call@example.com")
}

// testAgentDown: the alert of an absent agent inhibits the alerts about its host, except those from
// its other page.
func testAgentDown(t *testing.T, h *simulatedHost, p *people, alertmanager string) {
	before := alerts(t, alertmanager)
	require.NotEmpty(t, before["FaceFusionServerDown"])
	h.collector.end(t, syscall.SIGTERM)
	eventually(t, 2*time.Minute, "the agent's end is reported", func() bool {
		return p.received(&p.wecom, "FaceFusionAgentDown on "+h.name) != ""
	})
	var others []string
	for name, state := range alerts(t, alertmanager) {
		switch name {
		case "FaceFusionAgentDown", "Watchdog", "CollectorProbeBlind", "CollectorProbeFailing", "CollectorRestarting":
			require.Equal(t, "active", state, name)
		default:
			others = append(others, name)
			require.Equal(t, "suppressed", state, name)
		}
	}
	require.NotEmpty(t, others, "nothing was there to be silenced")
	t.Logf("silenced: %v", others)
}

// alerts returns the state of each alert in Alertmanager by name.
func alerts(t *testing.T, alertmanager string) map[string]string {
	t.Helper()
	answer, err := http.Get("http://" + alertmanager + "/api/v2/alerts")
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var all []struct {
		Labels map[string]string
		Status struct{ State string }
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&all))
	states := map[string]string{}
	for _, a := range all {
		states[a.Labels["alertname"]] = a.Status.State
	}
	return states
}
