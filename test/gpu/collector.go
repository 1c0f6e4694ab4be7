//go:build linux && cgo

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
	"time"
)

// collector is a run of the built program over this host.
type collector struct {
	cmd *exec.Cmd
	url string
	log *os.File
}

// configuration has the probes of GPUs and processes on, and a page that is made at an interval.
const configuration = `
receivers:
  facefusion:
    collection_interval: %[1]s
    initial_delay: 100ms
    gpu: {enabled: true, library_path: %[2]q}
    process: {enabled: true}
    web: {enabled: false}
    jobs: {enabled: false}
exporters:
  prometheus:
    endpoint: 127.0.0.1:%[3]d
    without_scope_info: true
    resource_to_telemetry_conversion: {enabled: true}
service:
  pipelines: {metrics: {receivers: [facefusion], exporters: [prometheus]}}
  telemetry: {metrics: {level: none}}
`

// startCollector starts it with a page of its own, and waits for the first GPU on it.
func startCollector(ctx context.Context, o *options, interval time.Duration) (*collector, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.out, "collector.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, interval, o.library, port), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(o.out, "collector.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	c := &collector{cmd: exec.CommandContext(ctx, o.collector, "--config", file), url: fmt.Sprintf("http://127.0.0.1:%d/metrics", port), log: log}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = 10 * time.Second
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start collector: %w", err), log.Close())
	}
	// The first call on a GPU may load its firmware.
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(200 * time.Millisecond) {
		page, err := c.page(ctx)
		if err != nil {
			continue
		}
		for _, s := range parsePage(page) {
			if s.name == "hw_gpu_memory_limit_bytes" {
				return c, nil
			}
		}
	}
	return nil, errors.Join(errNoGPUOnPage, c.stop())
}

var errNoGPUOnPage = errors.New("the collector shows no GPU within a minute: see collector.log")

// page is the text of the page now.
func (c *collector) page(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	return string(text), nil
}

func (c *collector) stop() error {
	_ = c.cmd.Process.Signal(os.Interrupt) // it may have ended
	_ = c.cmd.Wait()                       // what it did is in the log
	return c.log.Close()
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
