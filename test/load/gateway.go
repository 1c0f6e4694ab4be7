package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// quiet restricts a collector's log to errors.
const quiet = "--set=service.telemetry.logs.level=error"

// process is a child that the kernel ends with this program.
type process struct{ cmd *exec.Cmd }

func start(ctx context.Context, env []string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return &process{cmd}, cmd.Start()
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait() // it was stopped
}

// gateway is a real gateway in a process of its own.
type gateway struct {
	*process
	url, own string
}

// The ports of config/gateway.yaml.
const (
	gatewayURL    = "http://127.0.0.1:14318/v1/metrics"
	gatewayOwn    = "http://127.0.0.1:9467/metrics"
	gatewayHealth = "http://127.0.0.1:13134/"
)

func startGateway(ctx context.Context, o options, store string) (*gateway, error) {
	p, err := start(ctx, []string{"REMOTE_WRITE_ENDPOINT=" + store}, o.collector, "--config", o.gateway, quiet)
	if err != nil {
		return nil, err
	}
	g := &gateway{process: p, url: gatewayURL, own: gatewayOwn}
	for range 200 {
		if _, err = text(ctx, gatewayHealth); err == nil {
			return g, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	g.stop()
	return nil, err
}

// cpu returns the gateway's CPU time.
func (g *gateway) cpu() (time.Duration, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(g.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, err
	}
	// utime and stime, in hundredths of a second, are the 12th and 13th after the name, which may
	// contain spaces.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err, err2)
}

// resident returns the peak of the resident memory.
func (g *gateway) resident() (int64, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(g.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(content), "VmHWM:")
	var kib int64
	_, err = fmt.Sscan(rest, &kib)
	return kib << 10, err
}

// sent is the number of points that the gateway reports as sent to the store.
func (g *gateway) sent(ctx context.Context) (sum float64, err error) {
	page, err := text(ctx, g.own)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(page) {
		if name, value, found := strings.Cut(line, "} "); found && strings.HasPrefix(name, "otelcol_exporter_sent_metric_points") {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}

func text(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", errors.New(answer.Status)
	}
	content, err := io.ReadAll(answer.Body)
	return string(content), err
}

// sink is a store that accepts everything and discards it.
type sink struct {
	address  string
	close    func()
	requests atomic.Int64
}

func newSink() (*sink, error) {
	s := &sink{}
	var err error
	s.address, s.close, err = serve(func(r *http.Request) error {
		s.requests.Add(1)
		_, err := io.Copy(io.Discard, r.Body)
		return err
	})
	return s, err
}

func (s *sink) url() string { return "http://" + s.address + "/api/v1/write" }
