package gpu_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// kernel is a named pipe in place of /dev/kmsg.
type kernel struct {
	*testing.T
	root    string
	pipe    *os.File
	records int
	sampler *gpu.Sampler
}

func newKernel(t *testing.T, driver *gputest.Driver) *kernel {
	k := &kernel{T: t, root: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(k.root, "dev"), 0o755))
	k.sampler = gpu.NewSampler(gpu.Settings{Driver: driver, KernelLog: true, RootPath: k.root})
	t.Cleanup(func() { require.NoError(t, k.sampler.Close(context.Background())) })
	return k
}

func (k *kernel) path() string { return filepath.Join(k.root, "dev/kmsg") }

func (k *kernel) appear() {
	require.NoError(k, syscall.Mkfifo(k.path(), 0o600))
	pipe, err := os.OpenFile(k.path(), os.O_RDWR, 0)
	require.NoError(k, err)
	k.Cleanup(func() { pipe.Close() })
	k.pipe = pipe
}

// writes writes a line that is stamped a second after the previous one.
func (k *kernel) writes(address string, code int) {
	k.records++
	_, err := fmt.Fprintf(k.pipe, "3,%d,%d,-;NVRM: Xid (PCI:%s): %d, pid=1, name=python\n", k.records, k.records*1_000_000, address, code)
	require.NoError(k, err)
}

func (k *kernel) until(so func(*gpu.Snapshot) bool) {
	k.Helper()
	require.Eventually(k, func() bool {
		_ = k.sampler.Observe(context.Background())
		return so(k.sampler.Latest())
	}, 20*time.Second, 5*time.Millisecond)
}

func (k *kernel) state(want xid.LogState) {
	k.Helper()
	k.until(func(s *gpu.Snapshot) bool { return s.KernelLog.State == want })
}

func TestXIDsOfTheKernelsLog(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	driver := eventful(a, b)
	k := newKernel(t, driver)
	k.state(xid.LogNotFound)
	k.appear()
	k.state(xid.LogRead)
	zero := counts(k.sampler.Latest().Devices[0])
	require.Contains(t, zero, 79)

	// The driver reports one of these before the kernel does, one after it, and the third never.
	require.Equal(t, 1, driver.XID(b, 31))
	k.until(func(s *gpu.Snapshot) bool { return counts(s.Devices[1])[31] == 1 })
	k.writes("0000:42:00", 31)
	k.writes("0000:42:00", 48)
	k.until(func(s *gpu.Snapshot) bool { return counts(s.Devices[1])[48] == 1 })
	driver.XID(b, 48)
	k.writes("0000:42:00", 79)
	k.writes("0000:42:00", 4711)
	k.until(func(s *gpu.Snapshot) bool { return counts(s.Devices[1])[0] == 1 })
	require.Equal(t, 1, driver.XID(b, 62))
	k.until(func(s *gpu.Snapshot) bool { return counts(s.Devices[1])[62] == 1 })

	got := counts(k.sampler.Latest().Devices[1])
	require.Equal(t, []int64{1, 1, 1, 1, 1}, []int64{got[31], got[48], got[79], got[0], got[62]})
	require.Equal(t, zero, counts(k.sampler.Latest().Devices[0]), "of another GPU")
	require.WithinDuration(t, time.Now(), k.sampler.Latest().Devices[1].LastXID, 10*time.Second)
}

// The log is still read while the GPU is lost, while the driver has no event sets and while the
// library cannot be opened.
func TestTheKernelReportsWhatTheDriverDoesNot(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := gputest.New(a)
	k := newKernel(t, driver)
	k.appear()
	k.state(xid.LogRead)
	k.until(func(s *gpu.Snapshot) bool { return len(s.Devices) == 1 && s.Devices[0].XIDs.Known })
	driver.Change(func(s *gputest.Script) { a.Err, s.OpenErr = gpu.ErrUninitialized, gpu.ErrDriverNotLoaded })
	k.until(func(s *gpu.Snapshot) bool { return s.Library.State == gpu.LibraryDriverNotLoaded })
	k.writes("0000:41:00", 79)
	var events []xid.Event
	k.until(func(s *gpu.Snapshot) bool {
		events = append(events, s.XIDs...)
		return counts(s.Devices[0])[79] == 1
	})
	require.Len(t, events, 1)
	require.Equal(t, 79, events[0].Code)
	require.Equal(t, a.Identity.UUID, events[0].UUID)
	require.False(t, k.sampler.Latest().Devices[0].Answers())
}

func TestTheKernelsLogIsLeftAloneUnlessAskedFor(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "dev"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "dev/kmsg"), nil, 0o600))
	a := gputest.NewGPU(0)
	runWith(t, gpu.Settings{RootPath: root}, gputest.New(a), func(s *harness) {
		require.Equal(s.T, xid.LogStatus{}, s.passes(60).KernelLog)
		require.False(s.T, s.sampler.Latest().Devices[0].XIDs.Known)
	})
}

// In some containers the path is the console, or does not exist.
func TestAnotherDeviceIsNotRead(t *testing.T) {
	k := newKernel(t, gputest.New())
	require.NoError(t, os.Symlink(os.DevNull, k.path()))
	k.state(xid.LogFailed)
	require.ErrorContains(t, k.sampler.Latest().KernelLog.Err, "another device")
	require.NoError(t, os.Remove(k.path()))
	k.appear()
	k.state(xid.LogRead)
}

// A read that waits for the kernel does not delay Close.
func TestTheKernelsLogEndsWithTheSampler(t *testing.T) {
	k := newKernel(t, gputest.New())
	k.appear()
	k.state(xid.LogRead)
	start := time.Now()
	require.NoError(t, k.sampler.Close(context.Background()))
	require.Less(t, time.Since(start), time.Second)
}
