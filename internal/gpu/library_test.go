package gpu_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

var errBroken = errors.New("broken")

func TestLibraryStates(t *testing.T) {
	for _, c := range []struct {
		err     error
		state   gpu.LibraryState
		trouble bool
	}{
		{gpu.ErrUnsupportedBuild, gpu.LibraryUnsupported, false},
		{gpu.ErrLibraryNotFound, gpu.LibraryNotFound, false},
		{gpu.ErrDriverNotLoaded, gpu.LibraryDriverNotLoaded, false},
		{gpu.ErrNoPermission, gpu.LibraryNoPermission, false},
		{gpu.ErrRestartRequired, gpu.LibraryRestartRequired, true},
		{errBroken, gpu.LibraryFailed, true},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			driver := gputest.New(gputest.NewGPU(0))
			driver.Change(func(s *gputest.Script) { s.OpenErr = fmt.Errorf("load: %w", c.err) })
			run(t, driver, func(s *harness) {
				t := s.T
				snapshot, err := s.observe()
				require.Equal(t, c.state, snapshot.Library.State)
				require.ErrorIs(t, snapshot.Library.Err, c.err)
				require.Empty(t, snapshot.Devices)
				if c.trouble {
					require.ErrorIs(t, err, c.err)
				} else {
					require.NoError(t, err)
				}
				driver.Change(func(s *gputest.Script) { s.OpenErr = nil })
				snapshot = s.passes(1)
				require.Equal(t, gpu.LibraryAvailable, snapshot.Library.State)
				require.NoError(t, snapshot.Library.Err)
				require.Len(t, snapshot.Devices, 1)
			})
		})
	}
}

func TestOpenIsRetriedLessAndLess(t *testing.T) {
	driver := gputest.New(gputest.NewGPU(0))
	driver.Change(func(s *gputest.Script) { s.OpenErr = gpu.ErrLibraryNotFound })
	run(t, driver, func(s *harness) {
		t := s.T
		s.healthy()
		// After 1, 2, 4, 8 and 16 s, then every 30 s.
		s.passes(31)
		require.Equal(t, 6, driver.Opens())
		s.passes(300)
		require.Equal(t, 16, driver.Opens())
		driver.Change(func(s *gputest.Script) { s.OpenErr = nil })
		require.Len(t, s.passes(30).Devices, 1, "appears later")
	})
}

func TestDriverGoesAndComesBack(t *testing.T) {
	for name, cause := range map[string]error{
		"uninitialized": gpu.ErrUninitialized, "unloaded": gpu.ErrDriverNotLoaded, "upgraded": gpu.ErrRestartRequired,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := gputest.NewGPU(0), gputest.NewGPU(1)
			driver := gputest.New(a, b)
			run(t, driver, func(s *harness) {
				t := s.T
				s.healthy()
				driver.Change(func(script *gputest.Script) { a.Err, b.Err, script.OpenErr = cause, cause, cause })
				snapshot := s.passes(1)
				require.ErrorIs(t, snapshot.Library.Err, cause)
				require.Len(t, snapshot.Devices, 2)
				for i, d := range snapshot.Devices {
					require.Equal(t, gputest.NewGPU(i).Identity, d.Identity)
					require.Equal(t, gpu.HealthFailed, d.Health)
					require.Equal(t, gpu.ReasonDriverError, d.Reason)
					require.False(t, d.Temperature.Known)
				}
				synctest.Wait()
				require.Equal(t, 1, driver.Closed(), "closed before it is opened again")
				s.passes(60)
				require.Less(t, driver.Opens(), 9)

				driver.Change(func(script *gputest.Script) { a.Err, b.Err, script.OpenErr = nil, nil, nil })
				snapshot = s.passes(30)
				require.Equal(t, gpu.LibraryAvailable, snapshot.Library.State)
				require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
				require.True(t, snapshot.Devices[1].Temperature.Known)
			})
		})
	}
}

func TestDriverThatFailsRightAfterOpenIsNotHammered(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Err = gpu.ErrUninitialized
	driver := gputest.New(a)
	run(t, driver, func(s *harness) {
		t := s.T
		_, _ = s.observe()
		s.passes(300)
		require.Less(t, driver.Opens(), 18)
	})
}

func TestRetriesStartAnewAfterASuccess(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := gputest.New(a)
	run(t, driver, func(s *harness) {
		t := s.T
		driver.Change(func(script *gputest.Script) { script.OpenErr = gpu.ErrLibraryNotFound })
		_, _ = s.observe()
		s.passes(60)
		driver.Change(func(script *gputest.Script) { script.OpenErr = nil })
		s.passes(30)
		s.change(func() { a.Err = gpu.ErrUninitialized })
		s.passes(1)
		s.change(func() { a.Err = nil })
		require.Equal(t, gpu.LibraryAvailable, s.passes(2).Library.State)
	})
}

func TestAllGPUsVanish(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := gputest.New(a)
	run(t, driver, func(s *harness) {
		t := s.T
		s.healthy()
		driver.Change(func(script *gputest.Script) { script.GPUs = nil })
		snapshot := s.passes(32)
		require.Equal(t, gpu.LibraryAvailable, snapshot.Library.State)
		require.Equal(t, gpu.ReasonLost, snapshot.Devices[0].Reason)
		driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{a} })
		require.Equal(t, gpu.HealthOK, s.passes(30).Devices[0].Health)
	})
}

func TestOpenThatBlocks(t *testing.T) {
	driver := gputest.New(gputest.NewGPU(0))
	run(t, driver, func(s *harness) {
		t := s.T
		block := make(chan struct{})
		driver.Change(func(s *gputest.Script) { s.OpenBlock = block })
		start := time.Now()
		require.Equal(t, gpu.LibraryUnknown, s.healthy().Library.State)
		require.LessOrEqual(t, time.Since(start), time.Second)
		snapshot := s.passes(4)
		start = time.Now()
		_, err := s.observe()
		require.ErrorContains(t, err, "has not answered in time")
		require.Zero(t, time.Since(start), "nobody waits for it any more")
		require.Equal(t, gpu.LibraryFailed, snapshot.Library.State)
		require.ErrorContains(t, snapshot.Library.Err, "has not answered in time")
		require.Equal(t, 1, driver.Opens())
		close(block)
		synctest.Wait()
		require.Len(t, s.healthy().Devices, 1)
	})
}

func TestCloseWhileOpenBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		driver := gputest.New(gputest.NewGPU(0))
		block := make(chan struct{})
		driver.Change(func(s *gputest.Script) { s.OpenBlock = block })
		sampler := gpu.NewSampler(gpu.Settings{Driver: driver, Deadline: deadline})
		require.NoError(t, sampler.Observe(context.Background()))
		start := time.Now()
		require.ErrorContains(t, sampler.Close(context.Background()), "a call into the driver has not returned")
		require.Equal(t, 2*time.Second, time.Since(start))
		close(block)
		require.NoError(t, sampler.Close(context.Background()))
		require.Equal(t, 1, driver.Opened())
		require.Equal(t, 1, driver.Closed(), "the session that came too late is closed")
	})
}

// Where no library is expected, the state is no_nvml: "not found" would suggest a fault that can be
// repaired.
func TestHostsWithoutNVML(t *testing.T) {
	type files map[string]string
	const devices = "sys/bus/pci/devices/"
	other := files{devices + "0000:00:02.0/vendor": "0x8086\n", devices + "0000:00:02.0/class": "0x030000\n"}
	nvidia := files{devices + "0000:41:00.0/vendor": "0x10de\n", devices + "0000:41:00.0/class": "0x030200\n"}
	sound := files{devices + "0000:41:00.1/vendor": "0x10de\n", devices + "0000:41:00.1/class": "0x040300\n"}
	for name, c := range map[string]struct {
		host  []files
		named bool
		err   error
		want  gpu.LibraryState
		says  string
	}{
		"another vendor's GPU":            {host: []files{other}, want: gpu.LibraryNoNVML, says: "no NVIDIA GPU on the PCI bus"},
		"a bus with the sound of a GPU":   {host: []files{other, sound}, want: gpu.LibraryNoNVML, says: "no NVIDIA GPU on the PCI bus"},
		"a GPU without its driver":        {host: []files{other, nvidia}, want: gpu.LibraryNotFound},
		"no bus to be seen":               {want: gpu.LibraryNotFound},
		"WSL":                             {host: []files{other, {"dev/dxg": ""}}, want: gpu.LibraryNotFound},
		"Jetson":                          {host: []files{{"sys/firmware/devicetree/base/compatible": "nvidia,p3737-0000\x00nvidia,tegra234\x00"}}, want: gpu.LibraryNoNVML, says: "a Jetson"},
		"Jetson in a container":           {host: []files{{"sys/devices/soc0/family": "Tegra\n"}}, want: gpu.LibraryNoNVML, says: "a Jetson"},
		"Jetson with a desktop's library": {host: []files{{"sys/devices/soc0/family": "Tegra\n"}}, err: gpu.ErrDriverNotLoaded, want: gpu.LibraryNoNVML, says: "a Jetson"},
		"a driver that is not loaded":     {host: []files{other}, err: gpu.ErrDriverNotLoaded, want: gpu.LibraryDriverNotLoaded},
		"another board":                   {host: []files{{"sys/firmware/devicetree/base/compatible": "raspberrypi,5-model-b\x00brcm,bcm2712\x00"}}, want: gpu.LibraryNotFound},
		"a library that was named":        {host: []files{other}, named: true, want: gpu.LibraryNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, some := range c.host {
				for path, text := range some {
					path = filepath.Join(root, path)
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
				}
			}
			driver := gputest.New(gputest.NewGPU(0))
			opening := cmp.Or(c.err, gpu.ErrLibraryNotFound)
			driver.Change(func(s *gputest.Script) { s.OpenErr = opening })
			runWith(t, gpu.Settings{RootPath: root, LibraryNamed: c.named}, driver, func(s *harness) {
				t := s.T
				library := s.healthy().Library
				require.Equal(t, c.want, library.State)
				require.ErrorIs(t, library.Err, opening)
				require.ErrorContains(t, library.Err, c.says)
				driver.Change(func(s *gputest.Script) { s.OpenErr = nil })
				require.Equal(t, gpu.LibraryAvailable, s.passes(2).Library.State, "it is looked for all the same")
			})
		})
	}
}
