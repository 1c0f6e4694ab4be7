//go:build stack

package stack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// prometheus is a real Prometheus.
type prometheus struct {
	*program
	url string
	// rules is the folder with the rules that it has.
	rules string
}

// startPrometheus starts one over a folder with data, with the configuration file that is given and
// the rules of deploy/.
func startPrometheus(t *testing.T, port int, data, config string) *prometheus {
	t.Helper()
	p := &prometheus{url: "http://" + loopback(port), rules: filepath.Join(filepath.Dir(config), "rules")}
	hasten(t, repository+"/deploy/prometheus/rules", p.rules)
	p.program = start(t, nil, ".cache/prometheus/prometheus", "--config.file="+config, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=400d", "--enable-feature=exemplar-storage", "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver",
		"--web.listen-address="+loopback(port))
	p.ready(t, p.url+"/-/ready")
	return p
}

// scrapes writes the project's own configuration to a folder, with a shorter interval, and targets
// and Alertmanager where they are here.
func scrapes(t *testing.T, dir string, h *simulatedHost, itself, alertmanager string) string {
	t.Helper()
	config, err := os.ReadFile(repository + "/deploy/prometheus/prometheus.yml")
	require.NoError(t, err)
	config = replace(t, config, "interval: 15s", "interval: 5s")
	config = replace(t, config, "127.0.0.1:9093", alertmanager)
	config = replace(t, config, "127.0.0.1:9090", itself)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "targets"), 0o700))
	for file, address := range map[string]string{"agents.yml": h.seen, "collectors.yml": h.own} {
		targets, err := os.ReadFile(repository + "/deploy/prometheus/targets/" + file)
		require.NoError(t, err)
		targets = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAll(targets, []byte(address))
		targets = replace(t, targets, "gpu-host-1 # edit: what the host calls itself", h.name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "targets", file), targets, 0o600))
	}
	path := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(path, config, 0o600))
	return path
}

func replace(t *testing.T, text []byte, old, other string) []byte {
	t.Helper()
	require.Contains(t, string(text), old)
	return []byte(strings.ReplaceAll(string(text), old, other))
}

// hasten copies rules so that they are evaluated more often and alerts fire a tenth as late. How
// long they wait is the unit tests' business.
func hasten(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	for _, file := range ruleFiles(t, to) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		text = regexp.MustCompile(`(?m)^    interval: .*$`).ReplaceAll(text, []byte("    interval: 10s"))
		text = regexp.MustCompile(`(?m)^        for: .*$`).ReplaceAllFunc(text, func(line []byte) []byte {
			length, err := time.ParseDuration(strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(string(line), "        for: ")), "1d", "24h"))
			require.NoError(t, err)
			return fmt.Appendf(nil, "        for: %dms", (length / 10).Milliseconds())
		})
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
}

func ruleFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yml", "alerts/*.yml"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	return files
}

// ask calls the API and returns its error, as an expression may be wrong.
func (p *prometheus) ask(t *testing.T, path string, values url.Values, data any) error {
	t.Helper()
	answer, err := http.PostForm(p.url+"/api/v1/"+path, values)
	if path == "series" || strings.HasPrefix(path, "label/") || path == "rules" {
		answer, err = http.Get(p.url + "/api/v1/" + path + "?" + values.Encode())
	}
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&body))
	if body.Status != "success" {
		return fmt.Errorf("prometheus: %s", body.Error)
	}
	return json.Unmarshal(body.Data, data)
}

type result struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

// now evaluates an expression.
func (p *prometheus) now(t *testing.T, expr string) []result {
	t.Helper()
	return p.at(t, expr, time.Now())
}

func (p *prometheus) at(t *testing.T, expr string, when time.Time) []result {
	t.Helper()
	var data struct{ Result []result }
	require.NoError(t, p.ask(t, "query", url.Values{"query": {expr}, "time": {strconv.FormatInt(when.Unix(), 10)}}, &data), expr)
	return data.Result
}

// number is the only value of an expression, 0 if it has none.
func (p *prometheus) number(t *testing.T, expr string) float64 {
	t.Helper()
	found := p.now(t, expr)
	if len(found) == 0 {
		return 0
	}
	require.Len(t, found, 1, expr)
	value, err := strconv.ParseFloat(found[0].Value[1].(string), 64)
	require.NoError(t, err)
	return value
}

// day evaluates an expression over the last 24 hours, and returns how many series it has. Most have
// some that last; the others are looked for minute by minute.
func (p *prometheus) day(t *testing.T, expr string) (series int, err error) {
	t.Helper()
	for _, step := range []string{"600", "60"} {
		if series, err = p.between(t, expr, step); series > 0 || err != nil {
			return series, err
		}
	}
	return 0, nil
}

func (p *prometheus) between(t *testing.T, expr, step string) (int, error) {
	t.Helper()
	now := time.Now()
	var data struct{ Result []result }
	err := p.ask(t, "query_range", url.Values{
		"query": {expr}, "start": {strconv.FormatInt(now.Add(-24*time.Hour).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)}, "step": {step},
	}, &data)
	return len(data.Result), err
}
