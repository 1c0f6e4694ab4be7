package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	containers  = 5
	servicePort = 8000
)

// underSimulator starts the simulator with this program as its command.
func underSimulator(ctx context.Context, o options, own []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	arguments := append([]string{"--speed", strconv.FormatFloat(o.speed, 'g', -1, 64), "--instances", strconv.Itoa(o.instances), "--gpus", strconv.Itoa(o.gpus), "--", self}, own...)
	cmd := exec.CommandContext(ctx, filepath.Join(o.bin, "simulator"), arguments...)
	cmd.Dir = o.root
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	return cmd.Run()
}

// measuredHost is what runs on the machine beside the simulated FaceFusions.
type measuredHost struct {
	options   options
	dir       string
	processes []*exec.Cmd
	namespace []string
}

// newHost starts the wrapped service, the containers, the other processes and the connections.
func newHost(ctx context.Context, o options) (*measuredHost, error) {
	dir, err := os.MkdirTemp("", "facefusion-cost-")
	if err != nil {
		return nil, err
	}
	h := &measuredHost{options: o, dir: dir}
	for _, step := range []func(context.Context) error{h.startService, h.startContainers, h.startOthers, h.connect, h.finishJobs} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

// service is a wrapped FaceFusion: a user's program that imports the package of its working
// directory.
const service = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"status":"ok"}')
    def log_message(self, *a): pass
http.server.HTTPServer(('127.0.0.1', %d), Handler).serve_forever()
`

func (h *measuredHost) startService(ctx context.Context) error {
	checkout := filepath.Join(h.dir, "swap-api")
	if err := os.MkdirAll(filepath.Join(checkout, "facefusion"), 0o755); err != nil {
		return err
	}
	metadata := "METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '3.8.1'\n}\n"
	if err := os.WriteFile(filepath.Join(checkout, "facefusion", "metadata.py"), []byte(metadata), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(checkout, "server.py"), fmt.Appendf(nil, service, servicePort), 0o644); err != nil {
		return err
	}
	return h.start(ctx, checkout, "python3", "server.py")
}

// startContainers makes network namespaces on a bridge, as containers have, each with a process
// that listens.
func (h *measuredHost) startContainers(ctx context.Context) error {
	if err := ip(ctx, "link", "add", "costbr0", "type", "bridge"); err != nil {
		return err
	}
	for _, arguments := range [][]string{{"addr", "add", "172.29.0.1/24", "dev", "costbr0"}, {"link", "set", "costbr0", "up"}} {
		if err := ip(ctx, arguments...); err != nil {
			return err
		}
	}
	for i := range containers {
		name, inside, outside := fmt.Sprintf("cost%d", i), fmt.Sprintf("costin%d", i), fmt.Sprintf("costout%d", i)
		for _, arguments := range [][]string{
			{"netns", "add", name},
			{"link", "add", outside, "type", "veth", "peer", "name", inside},
			{"link", "set", outside, "master", "costbr0", "up"},
			{"link", "set", inside, "netns", name},
			{"-n", name, "addr", "add", fmt.Sprintf("172.29.0.%d/24", i+10), "dev", inside},
			{"-n", name, "link", "set", inside, "up"},
		} {
			if err := ip(ctx, arguments...); err != nil {
				return err
			}
		}
		h.namespace = append(h.namespace, name)
		if err := h.start(ctx, "/", "ip", "netns", "exec", name, "python3", "-m", "http.server", "8080"); err != nil {
			return err
		}
	}
	return nil
}

func ip(ctx context.Context, arguments ...string) error {
	output, err := exec.CommandContext(ctx, "ip", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %v: %w: %s", arguments, err, output)
	}
	return nil
}

// startOthers starts processes that sleep. Each tenth is called python3, as a FaceFusion may be, so
// that the agent has to read more of it.
func (h *measuredHost) startOthers(ctx context.Context) error {
	sleeper, err := exec.LookPath("sleep")
	if err != nil {
		return err
	}
	python := filepath.Join(h.dir, "python3")
	program, err := os.ReadFile(sleeper)
	if err != nil {
		return err
	}
	if err := os.WriteFile(python, program, 0o755); err != nil {
		return err
	}
	for i := range h.options.processes {
		name := sleeper
		if i%10 == 0 {
			name = python
		}
		if err := h.start(ctx, "/", name, "infinity"); err != nil {
			return err
		}
	}
	return nil
}

// connect has a process of its own hold connections on loopback.
func (h *measuredHost) connect(ctx context.Context) error {
	if h.options.connections == 0 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return h.start(ctx, "/", self, "-hold", strconv.Itoa(h.options.connections))
}

func holdConnections(ctx context.Context, n int) error {
	limit := syscall.Rlimit{Cur: uint64(2*n + 100), Max: uint64(2*n + 100)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	var dialer net.Dialer
	for range n {
		near, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
		if err != nil {
			return err
		}
		defer near.Close()
		far, err := listener.Accept()
		if err != nil {
			return err
		}
		defer far.Close()
	}
	<-ctx.Done()
	return nil
}

// finishJobs writes the files of jobs that have been completed long ago.
func (h *measuredHost) finishJobs(context.Context) error {
	if h.options.finished == 0 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(h.options.root, "testdata/jobs/3.2.0/completed/nightly-001.json"))
	if err != nil {
		return err
	}
	folder := filepath.Join(os.Getenv("FACEFUSION_SIMULATOR_DIR"), "facefusion-0/.jobs/completed")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := range h.options.finished {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("old-%06d.json", i)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (h *measuredHost) start(ctx context.Context, dir, name string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.processes = append(h.processes, cmd)
	return nil
}

func (h *measuredHost) close() error {
	for _, cmd := range h.processes {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed
	}
	var errs []error
	// Where its context has ended, the namespaces end with those that `make cost` gave to this
	// program.
	for _, name := range h.namespace {
		errs = append(errs, ip(context.Background(), "netns", "del", name))
	}
	if len(h.namespace) > 0 {
		errs = append(errs, ip(context.Background(), "link", "del", "costbr0"))
	}
	return errors.Join(append(errs, os.RemoveAll(h.dir))...)
}
