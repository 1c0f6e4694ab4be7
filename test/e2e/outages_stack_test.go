//go:build e2e && outages

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	alertmanagerBinary = "../../.cache/prometheus/alertmanager"
	// outageRules are written by `make e2e-outages`, from the source of the shipped rules.
	outageRules = "../../.cache/prometheus/outage-rules"
)

// pageStack is a real Prometheus and a real Alertmanager with the shipped configurations, faster,
// and those who are told.
type pageStack struct {
	prometheus, alertmanager         *program
	prometheusPort, alertmanagerPort int
	dir                              string
	web                              *httptest.Server

	mu       sync.Mutex
	messages []webhookMessage
	targets  map[string]string
}

// webhookMessage is what Alertmanager sends to a webhook, and to whom.
type webhookMessage struct {
	receiver string
	Alerts   []struct {
		Status string
		Labels map[string]string
	}
}

func startPageStack(t *testing.T) *pageStack {
	t.Helper()
	ports := steadyPorts(t, 2)
	s := &pageStack{dir: t.TempDir(), prometheusPort: ports[0], alertmanagerPort: ports[1], targets: map[string]string{}}
	s.web = httptest.NewServer(s)
	t.Cleanup(s.web.Close)
	s.alertmanager = s.newAlertmanager(t, s.alertmanagerPort)
	s.alertmanager.start(t)

	config, err := os.ReadFile("../../deploy/prometheus/prometheus.yml")
	require.NoError(t, err)
	text := strings.NewReplacer("interval: 15s", "interval: 1s", "127.0.0.1:9093", fmt.Sprintf("127.0.0.1:%d", s.alertmanagerPort),
		"127.0.0.1:9090", fmt.Sprintf("127.0.0.1:%d", s.prometheusPort)).Replace(string(config))
	require.NoError(t, os.CopyFS(filepath.Join(s.dir, "rules"), os.DirFS(outageRules)), "make e2e-outages writes them")
	require.NoError(t, os.Mkdir(filepath.Join(s.dir, "targets"), 0o755))
	s.write(t)
	file := filepath.Join(s.dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	s.prometheus = &program{
		args: []string{
			prometheusBinary, "--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(s.dir, "data"), "--query.lookback-delta=15s",
			"--web.enable-otlp-receiver", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", s.prometheusPort),
			// An alert whose end is not told again within four evaluations would end by itself.
			"--rules.alert.resend-delay=3s",
		},
		ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", s.prometheusPort),
	}
	s.prometheus.start(t)
	return s
}

// newAlertmanager has the shipped routes and inhibitions. Every receiver is a webhook of the test:
// test/stack has the real ones.
func (s *pageStack) newAlertmanager(t *testing.T, port int) *program {
	t.Helper()
	text, err := os.ReadFile("../../deploy/alertmanager/alertmanager.yml")
	require.NoError(t, err)
	wait := regexp.MustCompile(`(group_wait|group_interval): (\S+)`)
	text = wait.ReplaceAllFunc(text, func(setting []byte) []byte {
		parts := wait.FindSubmatch(setting)
		d, err := time.ParseDuration(string(parts[2]))
		require.NoError(t, err)
		return fmt.Appendf(nil, "%s: %dms", parts[1], max(100*time.Millisecond, d/faster).Milliseconds())
	})
	var config map[string]any
	require.NoError(t, yaml.Unmarshal(text, &config))
	delete(config, "global")
	delete(config, "templates")
	for _, r := range config["receivers"].([]any) {
		receiver := r.(map[string]any)
		name := receiver["name"].(string)
		for key := range receiver {
			if key != "name" {
				delete(receiver, key)
			}
		}
		receiver["webhook_configs"] = []any{map[string]any{"url": s.web.URL + "/" + name, "send_resolved": name != "watchdog"}}
	}
	text, err = yaml.Marshal(config)
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	require.NoError(t, os.WriteFile(file, text, 0o644))
	return &program{
		args: []string{
			alertmanagerBinary, "--config.file=" + file, "--storage.path=" + filepath.Join(dir, "data"), "--cluster.listen-address=",
			fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
		},
		ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
	}
}

func (s *pageStack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := webhookMessage{receiver: strings.TrimPrefix(r.URL.Path, "/")}
	err := json.NewDecoder(r.Body).Decode(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	s.messages = append(s.messages, m)
}

// of returns the alerts that were told of a host, by receiver, each as often as it was told.
func (s *pageStack) of(host string) byReceiver {
	all := byReceiver{}
	s.each(host, "firing", func(receiver, alert string) { all[receiver] = append(all[receiver], alert) })
	for _, alerts := range all {
		slices.Sort(alerts)
	}
	return all
}

// over returns the alerts of a host whose end was told.
func (s *pageStack) over(host string) (all []string) {
	s.each(host, "resolved", func(_, alert string) { all = append(all, alert) })
	return all
}

// each goes through what was told of a host: a message for each group, however many alerts are in
// it.
func (s *pageStack) each(host, status string, do func(receiver, alert string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		var names []string
		for _, a := range m.Alerts {
			if a.Labels["host_name"] == host && a.Status == status {
				names = append(names, a.Labels["alertname"])
			}
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			do(m.receiver, name)
		}
	}
}

// scrape adds the page of a host to the targets.
func (s *pageStack) scrape(t *testing.T, host, page string) {
	t.Helper()
	s.mu.Lock()
	s.targets[host] = page
	s.mu.Unlock()
	s.write(t)
}

// leave takes a host away.
func (s *pageStack) leave(t *testing.T, host string) {
	t.Helper()
	s.mu.Lock()
	delete(s.targets, host)
	s.mu.Unlock()
	s.write(t)
}

func (s *pageStack) write(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	agents, collectors := []any{}, []any{}
	for host, page := range s.targets {
		labels := map[string]string{"host_name": host}
		seen, own, _ := strings.Cut(page, " ")
		if seen != "" {
			agents = append(agents, map[string]any{"targets": []string{seen}, "labels": labels})
		}
		if own != "" {
			collectors = append(collectors, map[string]any{"targets": []string{own}, "labels": labels})
		}
	}
	for name, targets := range map[string]any{"agents": agents, "collectors": collectors, "inside": []any{}} {
		text, err := yaml.Marshal(targets)
		require.NoError(t, err)
		file := filepath.Join(s.dir, "targets", name+".yml")
		require.NoError(t, os.WriteFile(file+".new", text, 0o644))
		require.NoError(t, os.Rename(file+".new", file))
	}
}

// count is how many series an expression has now.
func (s *pageStack) count(t *testing.T, expr string) int {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?%s", s.prometheusPort, url.Values{"query": {expr}, "time": {strconv.FormatInt(time.Now().Unix(), 10)}}.Encode()))
	require.NoError(t, err)
	defer answer.Body.Close()
	var body struct {
		Data struct{ Result []json.RawMessage }
	}
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text.Bytes(), &body), text.String())
	return len(body.Data.Result)
}

func (s *pageStack) eventually(t *testing.T, within time.Duration, what string, wanted func() bool) {
	t.Helper()
	begin := time.Now()
	for !wanted() {
		if time.Since(begin) > within {
			s.mu.Lock()
			defer s.mu.Unlock()
			require.FailNow(t, "it never came: "+what, "after %v; messages: %+v", within, s.messages)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
