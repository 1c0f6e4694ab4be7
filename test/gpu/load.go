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
		// There is no /proc.
		self, err = exec.LookPath(os.Args[0])
	}
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
