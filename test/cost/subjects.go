package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// subject is one program that is measured.
type subject struct {
	name string
	// peer is one of the four exporters that do together what the agent does.
	peer  bool
	args  []string
	env   []string // beside that of this program
	pages []string // URLs that are scraped

	cmd     *exec.Cmd
	scraped atomic.Int64 // bytes of the last scrape of all pages
	failed  atomic.Int64
}

const (
	agentName = "ours, agent.yaml"
	emptyName = "empty collector, same build"
	floorName = "floor: the bare calls"
)

func subjects(o options, h *measuredHost) ([]*subject, error) {
	exporter := func(name string) string { return filepath.Join(o.exporters, name) }
	collector := filepath.Join(o.bin, "otelcol-facefusion")
	files, err := writeFiles(h.dir)
	if err != nil {
		return nil, err
	}
	agent, err := filepath.Abs(filepath.Join(o.root, "config/agent.yaml"))
	if err != nil {
		return nil, err
	}
	demo := filepath.Join(filepath.Dir(agent), "demo.yaml")
	env, err := unitEnvironment(o.root)
	if err != nil {
		return nil, err
	}
	probe := func(port int) string {
		return fmt.Sprintf("http://127.0.0.1:19115/probe?module=http_2xx&target=http://127.0.0.1:%d/", port)
	}
	all := []*subject{
		{name: agentName, env: env, args: []string{collector, "--config", agent, "--config", demo}, pages: []string{"http://127.0.0.1:9464/metrics"}},
		{name: emptyName, env: env, args: []string{collector, "--config", files["empty.yaml"]}, pages: []string{"http://127.0.0.1:19464/metrics"}},
		{name: floorName, args: []string{exporter("floor")}},
		{name: "GPU exporter by NVML (stand-in)", peer: true, args: []string{exporter("gpuexporter")}, pages: []string{"http://127.0.0.1:19835/metrics"}},
		{name: "process-exporter", peer: true, args: []string{exporter("process-exporter"), "-config.path", files["process.yaml"], "-web.listen-address", "127.0.0.1:19256"}, pages: []string{"http://127.0.0.1:19256/metrics"}},
		{name: "blackbox_exporter, two servers", peer: true, args: []string{exporter("blackbox_exporter"), "--config.file", files["blackbox.yaml"], "--web.listen-address", "127.0.0.1:19115"}, pages: []string{probe(7860), probe(servicePort)}},
		{name: "node_exporter, same five collectors", peer: true, args: []string{
			exporter("node_exporter"), "--collector.disable-defaults", "--collector.cpu", "--collector.meminfo", "--collector.diskstats", "--collector.filesystem", "--collector.netdev",
			"--web.listen-address", "127.0.0.1:19100",
		}, pages: []string{"http://127.0.0.1:19100/metrics"}},
		{name: "home-made exporter (forks pgrep and nvidia-smi)", args: []string{"python3", filepath.Join(o.root, "test/cost/homemade.py"), "19091"}, pages: []string{"http://127.0.0.1:19091/metrics"}},
	}
	switch {
	case o.agentOnly:
		all = all[:1]
	case o.short:
		all = all[:3]
	}
	for i, build := range o.beside {
		config := filepath.Join(h.dir, fmt.Sprintf("beside-%d.yaml", i))
		port := 29464 + 10*i
		if err := os.WriteFile(config, fmt.Appendf(nil, besideConfig, port, port+1, port+2), 0o600); err != nil {
			return nil, err
		}
		all = append(all, &subject{
			name: "beside: " + build, env: env, args: []string{build, "--config", agent, "--config", demo, "--config", config},
			pages: []string{fmt.Sprintf("http://127.0.0.1:%d/metrics", port)},
		})
	}
	return all, nil
}

// unitEnvironment is what the unit of the package sets for Go's runtime: the agent is measured as
// it runs where it is installed.
func unitEnvironment(root string) ([]string, error) {
	unit, err := os.ReadFile(filepath.Join(root, "deploy/systemd/otelcol-facefusion.service"))
	if err != nil {
		return nil, err
	}
	var env []string
	for line := range strings.Lines(string(unit)) {
		settings, ok := strings.CutPrefix(line, "Environment=")
		if !ok {
			continue
		}
		for _, setting := range strings.Fields(settings) {
			if strings.HasPrefix(setting, "GO") {
				env = append(env, setting)
			}
		}
	}
	return env, nil
}

// besideConfig gives another agent ports of its own.
const besideConfig = `
exporters:
  prometheus:
    endpoint: 127.0.0.1:%d
extensions:
  health_check:
    endpoint: 127.0.0.1:%d
service:
  telemetry:
    metrics:
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: %d
`

func writeFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	for name, text := range map[string]string{
		"empty.yaml":    emptyConfig,
		"process.yaml":  "process_names:\n  - name: \"{{.Comm}}\"\n    cmdline: [facefusion]\n  - name: \"{{.Comm}}\"\n    comm: [ffmpeg, python3]\n",
		"blackbox.yaml": "modules:\n  http_2xx:\n    prober: http\n    timeout: 3s\n",
	} {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// emptyConfig is a collector of the same build with an empty page: the cost of the Collector
// itself.
const emptyConfig = `
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:14999
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 256
    spike_limit_mib: 64
exporters:
  prometheus:
    endpoint: 127.0.0.1:19464
extensions:
  health_check:
    endpoint: 127.0.0.1:19133
service:
  extensions: [health_check]
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [memory_limiter]
      exporters: [prometheus]
  telemetry:
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: 18888
`

// startSubjects starts all of them and waits until every page answers.
func startSubjects(ctx context.Context, o options, h *measuredHost) ([]*subject, error) {
	all, err := subjects(o, h)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if err := s.start(ctx, h.dir); err != nil {
			return all, fmt.Errorf("start %s: %w", s.name, err)
		}
	}
	for _, s := range all {
		for _, page := range s.pages {
			if err := answers(ctx, page); err != nil {
				return all, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return all, nil
}

func (s *subject) start(ctx context.Context, logs string) error {
	log, err := os.CreateTemp(logs, "log-")
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s.cmd.Start()
}

func stopSubjects(all []*subject) {
	for _, s := range all {
		if s.cmd == nil || s.cmd.Process == nil {
			continue
		}
		_ = s.cmd.Process.Kill() // nothing is kept of it
		_ = s.cmd.Wait()         // killed
	}
}

// answers waits until something listens where a page is; the page may be slow or empty at first.
func answers(ctx context.Context, page string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := dialer.DialContext(ctx, "tcp", request.URL.Host)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing answers at %s: %w", page, err)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// scrapeAll scrapes every page at the interval until Wait.
func scrapeAll(ctx context.Context, all []*subject, o options) *scrapers {
	ctx, cancel := context.WithCancel(ctx)
	s := &scrapers{cancel: cancel}
	for _, subject := range all {
		for range o.scrapers {
			s.group.Go(func() { subject.scrapeEvery(ctx, o.interval) })
		}
	}
	return s
}

// scrapers are the scrapers at work.
type scrapers struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// Wait ends them.
func (s *scrapers) Wait() {
	s.cancel()
	s.group.Wait()
}

func (s *subject) scrapeEvery(ctx context.Context, interval time.Duration) {
	for sleep(ctx, interval) == nil {
		var size int64
		for _, page := range s.pages {
			n, err := get(ctx, page)
			if err != nil && !errors.Is(err, context.Canceled) {
				s.failed.Add(1)
			}
			size += n
		}
		s.scraped.Store(size)
	}
}

func get(ctx context.Context, page string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", page, response.Status)
	}
	return n, err
}

func readAll(all []*subject) ([]processUsage, error) {
	readings := make([]processUsage, len(all))
	for i, s := range all {
		r, err := read(s.cmd.Process.Pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		readings[i] = r
	}
	return readings, nil
}
