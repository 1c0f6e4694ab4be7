package gpu_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// runWith runs a scenario with the given settings.
func runWith(t *testing.T, settings gpu.Settings, driver *gputest.Driver, act func(s *harness)) {
	synctest.Test(t, func(t *testing.T) {
		settings.Driver, settings.Deadline = driver, deadline
		s := &harness{T: t, driver: driver, sampler: gpu.NewSampler(settings)}
		t.Cleanup(func() {
			require.NoError(t, s.sampler.Close(context.Background()))
			require.Equal(t, driver.Opened(), driver.Closed(), "every session is closed")
		})
		act(s)
	})
}

func uuids(s *gpu.Snapshot) (list []string) {
	for i := range s.Devices {
		list = append(list, s.Devices[i].UUID)
	}
	return list
}

func TestSelection(t *testing.T) {
	a, b, c := gputest.NewGPU(0), gputest.NewGPU(1), gputest.NewGPU(2)
	all := []string{a.Identity.UUID, b.Identity.UUID, c.Identity.UUID}
	for name, x := range map[string]struct {
		include, exclude []string
		want             []string
		unmatched        []string
	}{
		"uuid":                {include: []string{"gpu-00000000-0000-0000-0000-000000000002"}, want: all[1:2], unmatched: []string{}},
		"index":               {include: []string{"2"}, want: all[2:], unmatched: []string{}},
		"address of lspci":    {include: []string{"41:00.0"}, want: all[:1], unmatched: []string{}},
		"address of smi":      {include: []string{"00000000:43:00.0"}, want: all[2:], unmatched: []string{}},
		"exclude by index":    {exclude: []string{"0"}, want: all[1:], unmatched: []string{}},
		"exclude by uuid":     {exclude: []string{all[1]}, want: []string{all[0], all[2]}, unmatched: []string{}},
		"exclude of included": {include: []string{"0", "1"}, exclude: []string{"0000:42:00.0"}, want: all[:1], unmatched: []string{}},
		"wrong entries":       {include: []string{"0", "GPU-nonsense"}, exclude: []string{"9", "9"}, want: all[:1], unmatched: []string{"GPU-nonsense", "9"}},
		"nothing is left":     {include: []string{"9"}, want: nil, unmatched: []string{"9"}},
		"none":                {want: all},
	} {
		t.Run(name, func(t *testing.T) {
			driver := gputest.New(gputest.NewGPU(0), gputest.NewGPU(1), gputest.NewGPU(2))
			runWith(t, gpu.Settings{Include: x.include, Exclude: x.exclude}, driver, func(s *harness) {
				t := s.T
				require.Equal(t, x.want, uuids(s.healthy()))
				require.Equal(t, x.unmatched, s.healthy().Unmatched)
				require.Equal(t, x.want, uuids(s.passes(40)), "nothing is lost")
			})
		})
	}
}

func TestAGPUThatIsExcludedByIndexIsNotTouched(t *testing.T) {
	a := gputest.NewGPU(0)
	runWith(t, gpu.Settings{Exclude: []string{"0"}}, gputest.New(a, gputest.NewGPU(1)), func(s *harness) {
		s.passes(3)
		require.Zero(s.T, s.driver.Calls(a, gputest.CallHandle))
	})
}

// pci returns a host root whose sysfs lists GPUs with the given power states.
func pci(t *testing.T, status map[string]string) string {
	root := t.TempDir()
	for address, s := range status {
		dir := filepath.Join(root, "sys/bus/pci/devices", address)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "power"), 0o755))
		for file, text := range map[string]string{"vendor": "0x10de\n", "class": "0x030200\n", "power/runtime_status": s + "\n"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
		}
	}
	return root
}

func sleep(t *testing.T, root, address, status string) {
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/bus/pci/devices", address, "power/runtime_status"), []byte(status+"\n"), 0o600))
}

func TestASleepingGPUIsNotWoken(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	root := pci(t, map[string]string{a.Identity.PCIAddress: "active", b.Identity.PCIAddress: "active"})
	runWith(t, gpu.Settings{RootPath: root}, gputest.New(a, b), func(s *harness) {
		t := s.T
		s.healthy()
		calls := s.driver.Calls(b, gputest.CallMemory)
		sleep(t, root, b.Identity.PCIAddress, "suspended")
		snapshot := s.passes(30)
		require.Equal(t, calls, s.driver.Calls(b, gputest.CallMemory))
		require.Equal(t, gpu.Device{Identity: b.Identity, Health: gpu.HealthOK, Suspended: true}, snapshot.Devices[1])
		require.True(t, snapshot.Devices[0].Power.Known, "the other is read")
		sleep(t, root, b.Identity.PCIAddress, "active")
		require.True(t, s.passes(1).Devices[1].Power.Known)
	})
}

func TestTheLibraryIsNotOpenedWhileEveryGPUSleeps(t *testing.T) {
	a := gputest.NewGPU(0)
	root := pci(t, map[string]string{a.Identity.PCIAddress: "suspended", "0000:00:1f.3": "active"})
	// An audio function of the same vendor is not a GPU.
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/bus/pci/devices/0000:00:1f.3/class"), []byte("0x040300\n"), 0o600))
	runWith(t, gpu.Settings{RootPath: root}, gputest.New(a), func(s *harness) {
		t := s.T
		require.Equal(t, gpu.LibrarySuspended, s.healthy().Library.State)
		s.passes(60)
		require.Zero(t, s.driver.Opens())
		sleep(t, root, a.Identity.PCIAddress, "active")
		require.True(t, s.passes(2).Devices[0].Power.Known)
	})
}

func TestIdleGPUsAreReleased(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Contexts = []gpu.Context{{PID: 10, Memory: 5}}
	runWith(t, gpu.Settings{RootPath: t.TempDir(), ReleaseWhenIdle: 30 * time.Second}, eventful(a), func(s *harness) {
		t := s.T
		s.passes(120)
		require.Zero(t, s.driver.Closed(), "somebody uses it")
		s.change(func() { a.Contexts = []gpu.Context{} })
		s.passes(25)
		require.Zero(t, s.driver.Closed(), "not for long enough")
		snapshot := s.passes(12)
		require.Equal(t, 1, s.driver.Closed())
		require.Equal(t, gpu.LibraryReleased, snapshot.Library.State)
		require.Equal(t, a.Identity, snapshot.Devices[0].Identity, "still known")
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.False(t, snapshot.Devices[0].Power.Known)

		s.passes(70)
		require.Equal(t, 2, s.driver.Closed(), "looked at, and released again")
		s.change(func() { a.Contexts = []gpu.Context{{PID: 10, Memory: 5}} })
		require.Equal(t, gpu.LibraryAvailable, s.passes(70).Library.State)
	})
}
