//go:build linux && cgo && e2e

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

// buildCUDA puts a fake libcuda where a driver puts its own.
func buildCUDA(t *testing.T, root string) {
	t.Helper()
	source, err := filepath.Abs("../../testdata/cuda/fakecuda.c")
	require.NoError(t, err)
	args := append([]string{"-O2", "-fPIC", "-shared", "-Wl,-soname,libcuda.so.1", "-o", filepath.Join(root, "usr/lib/x86_64-linux-gnu/libcuda.so.1"), source},
		linkerFlags(t)...)
	out, err := exec.Command("gcc", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// cudaLog is what the fake libcuda was asked for.
type cudaLog struct {
	pid   int
	bytes uint64
	// busy are times in microseconds, from and to.
	busy [][2]int64
}

func readCUDALog(path string) (l cudaLog, err error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return l, nil
	}
	for line := range strings.Lines(string(data)) {
		var from, to int64
		if n, _ := fmt.Sscanf(line, "memory %d %d\n", &l.pid, &l.bytes); n == 2 {
			continue
		}
		if n, _ := fmt.Sscanf(line, "busy %d %d\n", &from, &to); n == 2 {
			l.busy = append(l.busy, [2]int64{from, to})
		}
	}
	return l, err
}

// samples is what the driver's buffer would have: a value each 200 ms, of the last 14 s.
func (l *cudaLog) samples(now time.Time) (text string, latest int) {
	const period = 200_000
	for end := now.UnixMicro()/period*period - 69*period; end <= now.UnixMicro(); end += period {
		latest = 0
		for _, b := range l.busy {
			if b[1] > end-period && b[0] <= end {
				latest = 97
				break
			}
		}
		text += fmt.Sprintf("%d:%d ", end, latest)
	}
	return text, latest
}

// follow has the fake driver and the fake nvidia-smi report what the fake libcuda was asked for.
func follow(t *testing.T, root string) {
	t.Helper()
	begin := time.Now()
	driver, smi := fakenvml.Control(filepath.Join(root, "control")), filepath.Join(root, "smi.json")
	uuid := newFakeGPU(0).fields["uuid"]
	whileTesting(t, func() error {
		lines := energySpent(time.Since(begin))
		l, err := readCUDALog(filepath.Join(root, "cuda.log"))
		if err != nil {
			return err
		}
		var processes []string
		if l.pid != 0 {
			const context = 300 * mib
			samples, latest := l.samples(time.Now())
			lines = append(lines, fmt.Sprintf("gpu.0.compute %d:%d", l.pid, l.bytes+context), "gpu.0.samples "+samples, fmt.Sprintf("gpu.0.utilization %d", latest), "gpu.1.utilization 0")
			processes = []string{fmt.Sprintf("%s, %d, %d", uuid, l.pid, (l.bytes+context)/mib)}
		}
		if err := writeSMI(smi, processes, newFakeGPU(0), newFakeGPU(1)); err != nil {
			return err
		}
		return driver.Set(lines...)
	})
}

// TestKitMakesItsOwnLoad: the kernel is loaded and launched through libcuda, the process is found
// in both lists, and its burst is on the page.
func TestKitMakesItsOwnLoad(t *testing.T) {
	t.Parallel()
	root := bareRoot(t)
	buildCUDA(t, root)
	follow(t, root)
	cmd := exec.Command("/kit/gpu-kit", "-collector", "/kit/otelcol-facefusion", "-out", "/result", "-beside", "1s", "-rounds", "1", "-energy", "1s")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root}
	cmd.Env = []string{"PATH=/bin", "FAKENVML_CONTROL=/control", "FAKESMI=/smi.json", "FAKECUDA_LOG=/cuda.log"}
	out, _ := cmd.CombinedOutput() // energy and cycles are not judged in so short a time
	outcomes := make(map[string]check)
	for _, c := range readReport(t, filepath.Join(root, "result")).Checks {
		outcomes[strings.Fields(c.Name)[0]] = c
	}
	require.NotContains(t, outcomes, "load", "it is not skipped")
	require.Equal(t, passed, outcomes["burst"].Outcome, "%s", out)
	require.Equal(t, passed, outcomes["attribution"].Outcome, "%s", out)
	require.Contains(t, outcomes["attribution"].Detail, "a kernel through libcuda")
	require.Contains(t, outcomes["attribution"].Detail, "the driver says 812 MiB; 1 processes as nvidia-smi lists them")
}
