package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// TestEachStateOfThePageIsKnown: the doctor says what the page says, in the same words.
func TestEachStateOfThePageIsKnown(t *testing.T) {
	text, err := os.ReadFile("../../receiver/facefusionreceiver/metadata.yaml")
	require.NoError(t, err)
	var declared struct {
		Attributes map[string]struct{ Enum []string }
	}
	require.NoError(t, yaml.Unmarshal(text, &declared))
	for attribute, known := range map[string]map[string]meaning{
		"facefusion.job.folder.state":   jobsFolderStates,
		"facefusion.server.state":       serverStates,
		"facefusion.process.visibility": visibilities,
	} {
		require.NotEmpty(t, declared.Attributes[attribute].Enum, attribute)
		require.Len(t, known, len(declared.Attributes[attribute].Enum), attribute)
		for _, state := range declared.Attributes[attribute].Enum {
			m, there := known[state]
			require.True(t, there, "%s %s", attribute, state)
			require.Equal(t, m.status != OK && m.status != Info, m.remedy != "", "%s %s: a warning has a remedy", attribute, state)
			if m.detail != "" {
				require.True(t, strings.HasPrefix(m.detail, state), "%s %s: the page's word comes first", attribute, state)
			}
		}
	}
}

// diagnose has the doctor look at a host with a configuration.
func diagnose(t *testing.T, host *proctest.ProcRoot, receiver string) []finding {
	t.Helper()
	file := t.TempDir() + "/agent.yaml"
	text := "receivers: {facefusion: " + receiver + "}\nexporters: {debug: {}}\nservice: {pipelines: {metrics: {receivers: [facefusion], exporters: [debug]}}}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c, err := resolve(t.Context(), []string{file}, nil)
	require.NoError(t, err)
	cfg, err := c.receiverConfig(host.Root())
	require.NoError(t, err)
	return checkFaceFusion(t.Context(), cfg)
}

func about(findings []finding, check, subject string) []finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f finding) bool {
		return f.Check != check || !strings.HasPrefix(f.Subject, subject)
	})
}

// TestWhatIsConfiguredIsLookedAt: matches, health checks and endpoints are those of the agent.
func TestWhatIsConfiguredIsLookedAt(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.Put(proctest.ProcEntry{PID: 4_100_000, PPID: 1, Argv: []string{"python", "/srv/swap/serve.py"}, Cwd: "/", StartTicks: 1000}))
	require.NoError(t, host.Put(proctest.ProcEntry{PID: 4_100_001, PPID: 1, Argv: []string{"python", "/srv/facefusion-api/serve.py"}, Cwd: "/", StartTicks: 1000}))
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	defer well.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	findings := diagnose(t, host, fmt.Sprintf(`{instances: [
		{name: matched, match: {cmdline: '/srv/swap/'}},
		{name: gone, match: {cmdline: '/srv/other/'}},
		{name: checked, health: {endpoint: '%s/healthz'}},
		{name: closed, endpoint: '%s'}]}`, well.URL, closed.URL))

	require.Len(t, about(findings, "facefusion", "matched"), 1)
	assert.Contains(t, about(findings, "facefusion", "matched")[0].Detail, "1 service")
	require.NotEmpty(t, about(findings, "facefusion", "gone"))
	assert.Equal(t, finding{"facefusion", Warning, "gone", "nothing fits what is configured of it: no process fits its match", "start it, or correct path, jobs_path or match: docs/instances.md"}, about(findings, "facefusion", "gone")[0])
	require.Len(t, about(findings, "server", "checked"), 1, "%v", findings)
	assert.Equal(t, OK, about(findings, "server", "checked")[0].Status, "%v", findings)
	require.Len(t, about(findings, "server", "closed"), 1, "%v", findings)
	assert.Equal(t, "down", about(findings, "server", "closed")[0].Detail)
	hints := about(findings, "facefusion", "pid 4100001")
	require.Len(t, hints, 1, "%v", findings)
	assert.Contains(t, hints[0].Remedy, `match: {cmdline: '^python /srv/facefusion-api/serve\.py( |$)'}`)
}

// TestAMatchThatAnybodyFits: the doctor says what the agent warns of at its start.
func TestAMatchThatAnybodyFits(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.WriteFile("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/zsh\nswap:x:998:998::/:/usr/sbin/nologin\n"))
	findings := diagnose(t, host, `{instances: [{name: open, match: {cmdline: '/srv/swap/'}}, {name: closed, match: {cmdline: '/srv/api/', user: swap}}]}`)
	assert.Contains(t, findings, finding{
		"facefusion", Warning, "open", "whoever works on this host may run a process that fits the match of an instance, and keep it up", "give match.user, whose it is, or path, the checkout",
	})
	for _, f := range about(findings, "facefusion", "closed") {
		assert.NotContains(t, f.Detail, "whoever works on this host")
	}
}

// TestAFolderThatIsNotVisible is called so, and not unreachable.
func TestAFolderThatIsNotVisible(t *testing.T) {
	of := func(name, instance, attribute, value string, v float64) pageSeries {
		return pageSeries{name, map[string]string{instanceID: instance, attribute: value}, v}
	}
	o := &pageView{points: []pageSeries{
		{"facefusion.process.visibility", map[string]string{"facefusion.process.visibility": "complete"}, 0},
		{"facefusion.process.visibility", map[string]string{"facefusion.process.visibility": "processes_denied"}, 1},
		of("facefusion.process.up", "a", "", "", 1),
		of("facefusion.process.count", "a", "facefusion.process.role", "server", 1),
		of("facefusion.job.folder.state", "a", "facefusion.job.folder.state", "unreachable", 0),
		of("facefusion.job.folder.state", "a", "facefusion.job.folder.state", "not_visible", 1),
	}}
	require.False(t, settled(defaults(), o.points), "its server has no state")
	findings := o.findings(defaults())
	require.Equal(t, []string{
		"info facefusion_process_visibility: " + visibilities["processes_denied"].detail,
		"warning a: 1 server; its checkout is not seen, and so neither its version nor its jobs (3 more findings have the same cause)",
		"info a: where its web server listens is not seen, or it has not answered yet",
		"info a: " + jobsFolderStates["not_visible"].detail,
	}, verdicts(findings))
}

// TestOneThatEndedMeanwhile is called configured only where it is, and what cannot be seen of it is
// said although it ended.
func TestOneThatEndedMeanwhile(t *testing.T) {
	of := func(id, version string) []pageSeries {
		return []pageSeries{
			{"facefusion.process.up", map[string]string{instanceID: id}, 0},
			{"facefusion.instance.info", map[string]string{instanceID: id, "service.version": version}, 1},
		}
	}
	cfg := defaults()
	cfg.Instances = append(cfg.Instances, facefusionreceiver.InstanceConfig{Name: "named"})
	o := &pageView{points: slices.Concat(of("named", ""), of("seen", "3.8.1"), of("unseen", ""))}
	for id, expected := range map[string]finding{
		"named":  {"facefusion", Warning, "named", "is configured, and does not run", "start it; one that need not run always has expected: false"},
		"seen":   {"facefusion", Warning, "seen", "version 3.8.1, was found, and does not run now", "start it, or ask again if it is being started"},
		"unseen": {"facefusion", Warning, "unseen", "was found, and does not run now; its checkout was not seen, and so neither its version nor its jobs", capabilitiesRemedy},
	} {
		assert.Equal(t, expected, o.instance(cfg, id))
	}
}

// TestAnAuthenticatorIsNotNeeded: it is another component of the agent.
func TestAnAuthenticatorIsNotNeeded(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusOK)
	}))
	defer well.Close()
	findings := diagnose(t, host, fmt.Sprintf(`{instances: [{name: checked, health: {endpoint: '%s/healthz', auth: {authenticator: basicauth}}}]}`, well.URL))
	require.Len(t, about(findings, "server", "instances[0].health"), 1, "%v", findings)
	assert.Contains(t, about(findings, "server", "instances[0].health")[0].Detail, "without its auth")
	assert.Equal(t, OK, about(findings, "server", "checked")[0].Status, "%v", findings)
}

// TestAServiceWhoseCheckFails: it was called one without a health check, as the doctor looked for a
// shorter time than a check takes to fail twice.
func TestAServiceWhoseCheckFails(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer ill.Close()
	findings := diagnose(t, host, fmt.Sprintf("{instances: [{name: ill, health: {endpoint: '%s/healthz', timeout: 1s}}]}", ill.URL))
	require.Len(t, about(findings, "server", "ill"), 1, "%v", findings)
	assert.Equal(t, serverStates["unhealthy"].detail, about(findings, "server", "ill")[0].Detail)
	said := about(findings, "facefusion", "ill")
	require.NotEmpty(t, said)
	assert.Contains(t, said[len(said)-1].Detail, "reason status, status_code 503")

	o := &pageView{points: []pageSeries{{"facefusion.server.state", map[string]string{instanceID: "slow", "facefusion.server.state": "answering"}, 1}}}
	cfg, err := of(t, "receivers: {facefusion: {instances: [{name: slow, health: {endpoint: 'http://127.0.0.1:1/h'}}]}}\nservice: {pipelines: {metrics: {receivers: [facefusion]}}}\n").receiverConfig("/")
	require.NoError(t, err)
	assert.Contains(t, o.servers(cfg, "slow")[0].Detail, "its health check has not succeeded")
}

// TestWhatDoesNotFit: each field is named, and a folder that is there is not called missing.
func TestWhatDoesNotFit(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.WriteFile("/opt/other/readme.txt", ""))
	require.NoError(t, host.WriteFile("/etc/passwd", "swap:x:998:998::/:/usr/sbin/nologin\n"))
	findings := diagnose(t, host, `{instances: [{name: other, path: /opt/other}, {name: gone, path: /opt/gone}, {name: nobodys, match: {cmdline: '/srv/a', user: swapp}}]}`)
	for id, want := range map[string]string{
		"other":   "/opt/other (path) is there, and is no checkout of FaceFusion: it has no facefusion/metadata.py",
		"gone":    "there is no /opt/gone (path) on the host",
		"nobodys": "no process fits its match",
	} {
		of := about(findings, "facefusion", id)
		require.NotEmpty(t, of, "%v", findings)
		assert.Equal(t, "nothing fits what is configured of it: "+want, of[0].Detail)
	}
	said := about(findings, "facefusion", "nobodys")
	assert.Contains(t, said[len(said)-1].Detail, "its user is not in the host's /etc/passwd, user swapp")
	for _, f := range about(findings, "jobs", "nobodys") {
		assert.NotContains(t, f.Remedy, "container", "it has none")
	}
}
