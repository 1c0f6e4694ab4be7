//go:build linux && cgo

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// frameworkProgram does what hold does, with PyTorch or CuPy. It ends at once without either.
const frameworkProgram = `
import os, sys, time
try:
    import torch
    if not torch.cuda.is_available(): raise ImportError
    a = torch.ones((4096, 4096), device='cuda')
    keep = torch.empty(int(sys.argv[1]) << 20, dtype=torch.uint8, device='cuda')
    def work(): (a @ a).sum().item()
except ImportError:
    import cupy
    a = cupy.ones((4096, 4096), dtype=cupy.float32)
    keep = cupy.empty(int(sys.argv[1]) << 20, dtype=cupy.uint8)
    def work(): float((a @ a).sum())
work()
print('ready', os.getpid(), flush=True)
for line in sys.stdin:
    end = time.time() + float(line)
    while time.time() < end: work()
    print('done', flush=True)
`

// load is a process that uses the first GPU.
type load struct {
	kind string
	pid  int
	cmd  *exec.Cmd
	in   *os.File
	out  *bufio.Reader
}

// heldMegabytes is what a load takes beside what its context takes.
const heldMegabytes = 512

// startLoad prefers what a user would run. What is returned with an error is why there is none.
func startLoad(ctx context.Context) (*load, error) {
	if python, err := exec.LookPath("python3"); err == nil {
		if l, err := newLoad(ctx, "python3 with PyTorch or CuPy", python, "-c", frameworkProgram, strconv.Itoa(heldMegabytes)); err == nil {
			return l, nil
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return newLoad(ctx, "a kernel through libcuda", self, "hold", strconv.Itoa(heldMegabytes))
}

func newLoad(ctx context.Context, kind, program string, args ...string) (*load, error) {
	in, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start load: %w", err)
	}
	defer in.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Env = in, append(os.Environ(), "CUDA_DEVICE_ORDER=PCI_BUS_ID")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = write.Close() // it is not read any more
		return nil, fmt.Errorf("start load: %w", err)
	}
	l := &load{kind: kind, cmd: cmd, in: write, out: bufio.NewReader(out)}
	line, err := l.out.ReadString('\n')
	if _, scanErr := fmt.Sscanf(line, "ready %d", &l.pid); err != nil || scanErr != nil {
		l.stop()
		return nil, fmt.Errorf("%s: %s", kind, strings.TrimSpace(complaint.String()))
	}
	return l, nil
}

// burst computes for a time.
func (l *load) burst(length time.Duration) error {
	if _, err := fmt.Fprintf(l.in, "%g\n", length.Seconds()); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if _, err := l.out.ReadString('\n'); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func (l *load) stop() {
	_ = l.in.Close() // it ends with its input
	_ = l.cmd.Wait() // how it ended does not matter
}

// checkAttribution looks for the load in what the driver reports of processes.
func checkAttribution(r *kitReport, l *load, handles []gpu.Handle) {
	for begin := time.Now(); time.Since(begin) < 15*time.Second; time.Sleep(time.Second) {
		listed := 0
		for _, h := range handles {
			contexts, err := h.Contexts()
			if err != nil {
				r.add("attribution", skipped, "the driver does not list processes: %v", err)
				return
			}
			for _, c := range contexts {
				listed++
				if int(c.PID) != l.pid {
					continue
				}
				o := passed
				// A context takes some hundred MiB of its own.
				if c.Memory < heldMegabytes*mib || c.Memory > (heldMegabytes+3072)*mib {
					o = failed
				}
				r.add("attribution", o, "%s (pid %d) holds %d MiB, the driver says %d MiB", l.kind, l.pid, heldMegabytes, c.Memory/mib)
				return
			}
		}
		if listed == 0 && time.Since(begin) > 10*time.Second {
			break
		}
	}
	r.add("attribution", skipped, "the driver does not list pid %d: in a container it reports the pids of another namespace, or none", l.pid)
}

// burstEvery is the interval of a page that has one burst of a second in it.
const burstEvery = 15 * time.Second

// checkBurst makes a burst of one second in an interval of 15, and looks for its peak and its mean
// on the page.
func checkBurst(ctx context.Context, r *kitReport, o *options, l *load) error {
	c, err := startCollector(ctx, o, burstEvery)
	if err != nil {
		return err
	}
	defer func() { _ = c.stop() }() // the log says how it ended
	// From the first page on, in the middle of an interval.
	time.Sleep(burstEvery + burstEvery/3)
	if err := l.burst(time.Second); err != nil {
		return err
	}
	time.Sleep(burstEvery)
	text, err := c.page(ctx)
	if err != nil {
		return err
	}
	best, mean := 0.0, 0.0
	for _, s := range parsePage(text) {
		if s.labels["hw_gpu_task"] != "general" {
			continue
		}
		switch s.name {
		case "nvidia_gpu_utilization_max_ratio":
			best = max(best, s.value)
		case "hw_gpu_utilization_ratio":
			mean = max(mean, s.value)
		}
	}
	verdict := failed
	if best >= 0.8 && mean > 0.02 && mean < 0.2 {
		verdict = passed
	}
	r.add("burst", verdict, "1 s of %s in %v: peak %.2f (0.8 or more), mean %.3f (0.02 to 0.2)", l.kind, burstEvery, best, mean)
	return nil
}
