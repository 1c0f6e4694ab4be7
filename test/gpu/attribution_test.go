//go:build gpu

package gpu

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cudaProgram takes memory on the first GPU in this process, and in a child half as much, tells
// both pids, and waits for the end of its input.
const cudaProgram = `
import ctypes, os, subprocess, sys
size, child = int(sys.argv[1]) << 20, None
if len(sys.argv) < 3:
    child = subprocess.Popen([sys.executable, '-c', os.environ['GPU_TEST_PROGRAM'], str(size >> 21), 'child'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child_pid = child.stdout.readline().strip()
cuda = ctypes.CDLL('libcuda.so.1')
def check(code):
    if code: sys.exit('cuda error %d' % code)
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
check(cuda.cuInit(0))
check(cuda.cuDeviceGet(ctypes.byref(device), 0))
check(cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device))
check(cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(size)))
print(os.getpid(), child_pid if child else '', flush=True)
sys.stdin.read()
if child:
    child.stdin.close()
    child.wait()
`

// TestAttribution runs a real CUDA process with a child, and looks for both in what the driver
// tells.
func TestAttribution(t *testing.T) {
	const own = 512
	// libcuda.so.1 comes with the driver, and python3 needs nothing to call it.
	cmd := exec.Command("python3", "-c", cudaProgram, strconv.Itoa(own))
	cmd.Env = append(os.Environ(), "GPU_TEST_PROGRAM="+cudaProgram, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "python3 with libcuda.so.1 is needed for a CUDA process")
	pids := strings.Fields(line)
	require.Len(t, pids, 2)

	s := newSampler(t)
	for i, want := range []int64{own << 20, own << 19} {
		pid, err := strconv.Atoi(pids[i])
		require.NoError(t, err)
		var got int64
		require.Eventually(t, func() bool {
			_ = s.Observe(context.Background())
			for _, d := range s.Latest().Devices {
				for _, p := range d.Processes.V {
					if p.PID == pid {
						got = p.Memory.V
					}
				}
			}
			return got > 0
		}, 30*time.Second, time.Second, "the driver tells of pid %d; in a container it may tell the pid of another namespace", pid)
		t.Logf("pid %d took %d bytes, the driver tells %d", pid, want, got)
		// A context takes some hundred MiB of its own.
		require.GreaterOrEqual(t, got, want)
		require.Less(t, got, want+2<<30)
	}
}
