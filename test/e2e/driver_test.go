//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

// fakeDriver builds a driver library with two GPUs, puts it in the environment of the collectors of
// this test, and returns the configuration that loads it. The library lacks what the variants say.
// The control file is at control(t).
func fakeDriver(t *testing.T, lines string, variants ...fakenvml.Variant) string {
	t.Helper()
	path, err := fakenvml.Build(t.TempDir(), variants...)
	require.NoError(t, err)
	control := filepath.Join(t.TempDir(), "control")
	require.NoError(t, fakenvml.Control(control).Set(strings.Split(lines, "\n")...))
	t.Setenv(fakenvml.ControlEnv, control)
	return fmt.Sprintf("receivers: {facefusion: {gpu: {library_path: %s, deadline: 2s}}}\n", path)
}

func control(lines ...string) error {
	return fakenvml.Control(os.Getenv(fakenvml.ControlEnv)).Set(lines...)
}

const (
	firstGPU  = "GPU-fa4e0000-0000-0000-0000-000000000001"
	secondGPU = "GPU-fa4e0000-0000-0000-0000-000000000002"
)

// TestDriverValues: the page shows the values of the library.
func TestDriverValues(t *testing.T) {
	c := start(t, fakeDriver(t, "gpu.0.utilization 25"))
	c.eventually(t, 5*time.Second, "both GPUs are seen", func(p page) bool { return p.is(2, "nvidia_gpu_count") })
	// Energy and the sample buffer are read every few seconds.
	c.eventually(t, 25*time.Second, "the values of the library", func(p page) bool {
		return p.is(1, "nvidia_driver_state", "nvidia_driver_state", "available") &&
			p.is(62, "hw_temperature_celsius", "hw_parent", secondGPU, "hw_sensor_location", "gpu") &&
			p.is(150.001, "hw_power_watts", "hw_id", firstGPU) &&
			p.is(3<<30, "hw_gpu_memory_usage_bytes", "hw_id", firstGPU) &&
			p.is(17<<30, "hw_gpu_memory_limit_bytes", "hw_id", firstGPU) &&
			near(p, 3.0/17, "hw_gpu_memory_utilization_ratio", "hw_id", firstGPU) &&
			near(p, 5000.001, "hw_energy_joules_total", "hw_id", firstGPU) &&
			near(p, 0.25, "hw_gpu_utilization_ratio", "hw_id", firstGPU, "hw_gpu_task", "general") &&
			near(p, 0.42, "nvidia_gpu_utilization_max_ratio", "hw_id", secondGPU, "hw_gpu_task", "general") &&
			p.is(1, "nvidia_gpu_info", "hw_id", firstGPU, "hw_driver_version", "999.42.01", "nvidia_cuda_version", "13.4", "nvidia_gpu_pci_address", "0000:41:00.0")
	})
}

func near(p page, want float64, name string, pairs ...string) bool {
	found := p.samples(name, pairs...)
	return len(found) == 1 && math.Abs(found[0].value-want) < 1e-6
}

// TestDriverLosesAGPU: the other GPU is unaffected, and the lost one comes back.
func TestDriverLosesAGPU(t *testing.T) {
	c := start(t, fakeDriver(t, ""))
	c.eventually(t, 5*time.Second, "both are ok", func(p page) bool { return ok(p, firstGPU) && ok(p, secondGPU) })
	require.NoError(t, control("gpu.1.lost 1"))
	c.eventually(t, 5*time.Second, "the second is lost, and has no temperature", func(p page) bool {
		return ok(p, firstGPU) && p.is(1, "nvidia_gpu_fault", "hw_id", secondGPU, "nvidia_gpu_fault", "lost") &&
			p.is(1, "hw_status", "hw_id", secondGPU, "hw_state", "failed") &&
			len(p.samples("hw_temperature_celsius", "hw_parent", secondGPU, "hw_sensor_location", "gpu")) == 0 && p.is(61, "hw_temperature_celsius", "hw_parent", firstGPU, "hw_sensor_location", "gpu")
	})
	require.NoError(t, control(""))
	c.eventually(t, 40*time.Second, "it is back", func(p page) bool {
		return ok(p, secondGPU) && p.is(62, "hw_temperature_celsius", "hw_parent", secondGPU, "hw_sensor_location", "gpu")
	})
}

// TestDriverWedged: a driver call that never returns delays neither the other GPU nor the
// collector's shutdown.
func TestDriverWedged(t *testing.T) {
	c := start(t, fakeDriver(t, ""))
	c.eventually(t, 5*time.Second, "both are ok", func(p page) bool { return ok(p, firstGPU) && ok(p, secondGPU) })
	require.NoError(t, control("gpu.0.block 1", "gpu.1.temperature 77"))
	c.eventually(t, 20*time.Second, "the first is wedged, the second goes on", func(p page) bool {
		return p.is(1, "nvidia_gpu_fault", "hw_id", firstGPU, "nvidia_gpu_fault", "wedged") && ok(p, secondGPU)
	})
	c.eventually(t, 20*time.Second, "the second is read still", func(p page) bool {
		return p.is(77, "hw_temperature_celsius", "hw_parent", secondGPU, "hw_sensor_location", "gpu")
	})
	begin := time.Now()
	c.stop(t)
	require.Less(t, time.Since(begin), 10*time.Second)
}

func ok(p page, gpu string) bool { return p.is(1, "hw_status", "hw_id", gpu, "hw_state", "ok") }

// TestDriverLacksSymbols: readings that an old driver lacks are absent, and nothing crashes.
func TestDriverLacksSymbols(t *testing.T) {
	const temperature, memory, power = "hw_temperature_celsius", "hw_gpu_memory_usage_bytes", "hw_power_watts"
	for _, driver := range []struct {
		lacks  []fakenvml.Variant
		absent string // of the three
	}{
		{lacks: []fakenvml.Variant{fakenvml.WithoutErrorString}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutSystem}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutIdentity}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutUtilization, fakenvml.WithoutEncoder, fakenvml.WithoutDecoder, fakenvml.WithoutSamples}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutMemoryV2}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutMemory, fakenvml.WithoutMemoryV2}, absent: memory},
		{lacks: []fakenvml.Variant{fakenvml.WithoutTemperature, fakenvml.WithoutTemperatureV}, absent: temperature},
		{lacks: []fakenvml.Variant{fakenvml.WithoutPower, fakenvml.WithoutEnergy}, absent: power},
		{lacks: []fakenvml.Variant{fakenvml.WithoutVersions}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutDetails, fakenvml.WithoutFields, fakenvml.WithoutJPEG}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutProcesses, fakenvml.WithoutProcessUtilization}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutMIG, fakenvml.WithoutEvents}},
		{lacks: []fakenvml.Variant{fakenvml.WithoutFanRPM, fakenvml.WithoutGPM}},
	} {
		t.Run(fmt.Sprint(driver.lacks), func(t *testing.T) {
			c := start(t, fakeDriver(t, "", driver.lacks...))
			c.eventually(t, 5*time.Second, "what there is, is read", func(p page) bool {
				for _, name := range []string{temperature, memory, power} {
					found := p.samples(name)
					if name == temperature {
						found = p.samples(name, "hw_sensor_location", "gpu")
					}
					if (len(found) == 2) == (name == driver.absent) {
						return false
					}
				}
				return p.is(2, "nvidia_gpu_count")
			})
		})
	}
}

// TestDriverShowsWhoUsesTheGPU: the memory and the work of FaceFusion and its child, on the one GPU
// that they use, and zero on the other.
func TestDriverShowsWhoUsesTheGPU(t *testing.T) {
	root := recordedHost(t, 7860)
	lines := func(at int64) string {
		return fmt.Sprintf("gpu.0.compute 4190001:1000 555:77\ngpu.0.graphics 4190001:1000 4190003:200\ngpu.0.process.samples %d:4190001:50:0:0 %d:4190003:0:80:40", at, at)
	}
	overrides := fakeDriver(t, lines(time.Now().UnixMicro()))
	c := start(t, overrides[:strings.LastIndex(overrides, "}}")]+", root_path: "+root+"}}\n")
	c.eventually(t, 30*time.Second, "FaceFusion's share", func(p page) bool {
		// A busy process is in the driver's samples in each pass.
		if err := control(strings.Split(lines(time.Now().UnixMicro()), "\n")...); err != nil {
			return false
		}
		used := p.samples("facefusion_gpu_utilization_ratio", "hw_id", firstGPU, "hw_gpu_task", "encoder")
		return p.is(1200, "facefusion_gpu_memory_usage_bytes", "hw_id", firstGPU) && p.is(0, "facefusion_gpu_memory_usage_bytes", "hw_id", secondGPU) &&
			len(used) == 1 && used[0].value > 0.4 && used[0].value <= 0.8 &&
			p.is(0, "facefusion_gpu_utilization_ratio", "hw_id", secondGPU, "hw_gpu_task", "general") &&
			p.is(1, "nvidia_gpu_process_visibility", "nvidia_process_visibility", "visible")
	})
}

// TestDriverPIDsOfAnotherNamespace: unknown shares are absent, and the log says why, once.
func TestDriverPIDsOfAnotherNamespace(t *testing.T) {
	root := recordedHost(t, 7860)
	overrides := fakeDriver(t, "gpu.0.compute 77:1000")
	c := start(t, overrides[:strings.LastIndex(overrides, "}}")]+", root_path: "+root+"}}\n")
	c.eventually(t, 20*time.Second, "the page says so", func(p page) bool {
		return p.is(1, "nvidia_gpu_process_visibility", "nvidia_process_visibility", "foreign") && p.is(2, "nvidia_gpu_count")
	})
	require.Empty(t, c.page(t).samples("facefusion_gpu_memory_usage_bytes"))
	require.Equal(t, 1, c.log.count("another pid namespace"))
}

// TestDriverReportsAnXID: an XID is counted from zero, so that rates include the first one.
func TestDriverReportsAnXID(t *testing.T) {
	c := start(t, fakeDriver(t, ""))
	c.eventually(t, 20*time.Second, "none yet", func(p page) bool { return p.is(0, "hw_errors_total", "hw_id", secondGPU, "error_type", "xid_79") })
	require.NoError(t, control("xids 1:1:79 2:1:13 3:1:4711"))
	c.eventually(t, 20*time.Second, "all three", func(p page) bool {
		return p.is(1, "hw_errors_total", "hw_id", secondGPU, "error_type", "xid_79") && p.is(1, "hw_errors_total", "hw_id", secondGPU, "error_type", "xid_13") &&
			p.is(1, "hw_errors_total", "hw_id", secondGPU, "error_type", "xid_other") && p.is(0, "hw_errors_total", "hw_id", firstGPU, "error_type", "xid_79")
	})
	require.Equal(t, 3, c.log.count("reports an error of a GPU"))
}

// TestKernelReportsAnXID: an XID that only the kernel's log has is counted like one of the driver's
// events, and one that both have is counted once.
func TestKernelReportsAnXID(t *testing.T) {
	root := recordedHost(t, 7860)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "dev"), 0o755))
	kernel := filepath.Join(root, "dev/kmsg")
	require.NoError(t, syscall.Mkfifo(kernel, 0o600))
	pipe, err := os.OpenFile(kernel, os.O_RDWR, 0)
	require.NoError(t, err)
	defer pipe.Close()
	overrides := fakeDriver(t, "")
	c := start(t, strings.Replace(overrides[:strings.LastIndex(overrides, "}}")]+", root_path: "+root+"}}\n", "deadline", "kernel_log: true, deadline", 1))
	xid := func(p page, want float64, gpu, code string) bool {
		return p.is(want, "hw_errors_total", "hw_id", gpu, "error_type", "xid_"+code)
	}
	c.eventually(t, 20*time.Second, "none yet", func(p page) bool { return xid(p, 0, secondGPU, "79") && xid(p, 0, secondGPU, "154") })
	c.eventually(t, 20*time.Second, "the log is read", func(page) bool { return c.log.count("kernel's log is read") == 1 })
	_, err = pipe.WriteString("3,1,1000000,-;NVRM: Xid (PCI:0000:42:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n")
	require.NoError(t, err)
	c.eventually(t, 20*time.Second, "the kernel's", func(p page) bool { return xid(p, 1, secondGPU, "79") })
	require.NoError(t, control("xids 1:1:13"))
	c.eventually(t, 20*time.Second, "the driver's", func(p page) bool { return xid(p, 1, secondGPU, "13") })
	_, err = pipe.WriteString("3,2,2000000,-;NVRM: Xid (PCI:0000:42:00): 13, Graphics Exception\n3,3,3000000,-;NVRM: Xid (PCI:0000:41:00): 48, pid=1, DBE\n")
	require.NoError(t, err)
	c.eventually(t, 20*time.Second, "all that the kernel wrote", func(p page) bool { return xid(p, 1, firstGPU, "48") })
	require.True(t, xid(c.page(t), 1, secondGPU, "13"), "reported by both")
	require.Equal(t, 3, c.log.count("reports an error of a GPU"))
}

// TestDriverMeasuresTheEngines: once a metric of GPM is switched on.
func TestDriverMeasuresTheEngines(t *testing.T) {
	overrides := fakeDriver(t, "gpu.1.mig 1\ngpu.0.fans 2\ngpu.0.utilization 255")
	c := start(t, overrides[:strings.LastIndex(overrides, "}}")]+", metrics: {nvidia.gpu.sm.utilization: {enabled: true}, nvidia.gpu.engine.utilization: {enabled: true}}}}\n")
	c.eventually(t, 30*time.Second, "what the library measures", func(p page) bool {
		return near(p, 0.021, "nvidia_gpu_sm_utilization_ratio", "hw_id", firstGPU) && near(p, 0.022, "nvidia_gpu_sm_utilization_ratio", "hw_id", secondGPU) &&
			near(p, 0.0223, "nvidia_gpu_sm_utilization_ratio", "hw_name", "GPU 1 MIG 0") &&
			near(p, 0.321, "nvidia_gpu_engine_utilization_ratio", "hw_id", firstGPU, "hw_gpu_task", "decoder", "nvidia_gpu_engine", "2") &&
			len(p.samples("nvidia_gpu_sm_occupancy_ratio")) == 0
	})
	p := c.page(t)
	require.True(t, p.is(1101, "hw_fan_speed", "hw_id", firstGPU+"/fan/1"))
	implausible := p.samples("nvidia_gpu_reading_implausible_total", "hw_id", firstGPU, "nvidia_gpu_reading", "utilization")
	require.Len(t, implausible, 1)
	require.Positive(t, implausible[0].value, "a utilization of 255")
	require.Empty(t, p.samples("nvidia_gpu_reading_implausible_total", "hw_id", secondGPU))
}

// TestDriverOfSelectedGPUs: a GPU that is not selected is absent, and an entry that fits none is
// reported.
func TestDriverOfSelectedGPUs(t *testing.T) {
	overrides := fakeDriver(t, "")
	c := start(t, strings.Replace(overrides, "deadline", `devices: {include: ["42:00.0", "GPU-nonsense"]}, deadline`, 1))
	c.eventually(t, 20*time.Second, "one GPU", func(p page) bool {
		return p.is(1, "nvidia_gpu_count") && ok(p, secondGPU) && len(p.samples("hw_status", "hw_id", firstGPU)) == 0 && p.is(1, "nvidia_gpu_selection_unmatched")
	})
	require.Equal(t, 1, c.log.count("GPU-nonsense"))
}

// TestDriverIsNone: a library that is not NVML is reported as a state.
func TestDriverIsNone(t *testing.T) {
	c := start(t, fakeDriver(t, "", fakenvml.WithoutInit))
	c.eventually(t, 5*time.Second, "its state is reported", func(p page) bool {
		return len(p.samples("nvidia_driver_state")) == 10 && p.is(0, "nvidia_driver_state", "nvidia_driver_state", "available")
	})
	require.Empty(t, c.page(t).samples("nvidia_gpu_count"))
}

// TestDriverAppearsLater: the library is not there when the collector starts; the page says so, the
// log says so once, and it is picked up.
func TestDriverAppearsLater(t *testing.T) {
	overrides := fakeDriver(t, "")
	path := strings.TrimSuffix(overrides[strings.Index(overrides, "/"):], ", deadline: 2s}}}\n")
	require.NoError(t, os.Rename(path, path+".away"))
	c := start(t, overrides)
	c.eventually(t, 5*time.Second, "there is no library", func(p page) bool {
		return p.is(1, "nvidia_driver_state", "nvidia_driver_state", "library_not_found") && len(p.samples("nvidia_gpu_count")) == 0
	})
	time.Sleep(3 * time.Second) // several passes
	require.Equal(t, 1, c.log.count("no GPU can be read"))
	require.NoError(t, os.Rename(path+".away", path))
	c.eventually(t, 40*time.Second, "it is picked up", func(p page) bool {
		return p.is(1, "nvidia_driver_state", "nvidia_driver_state", "available") && p.is(2, "nvidia_gpu_count")
	})
}

// TestHostWithoutAnything: without GPU and FaceFusion the collector starts, says so, and shows the
// host's and its own metrics.
func TestHostWithoutAnything(t *testing.T) {
	c := start(t, fmt.Sprintf("receivers: {facefusion: {root_path: %s}}", t.TempDir()))
	c.eventually(t, 5*time.Second, "it says what is missing", func(p page) bool {
		return p.is(1, "nvidia_driver_state", "nvidia_driver_state", "library_not_found")
	})
	for _, name := range []string{
		"system_cpu_time_seconds_total", "system_memory_usage_bytes", "system_disk_io_bytes_total", "system_filesystem_usage_bytes", "system_network_io_bytes_total",
	} {
		c.eventually(t, 20*time.Second, "the host is shown: "+name, func(p page) bool { return len(p.samples(name)) > 0 })
	}
	own := get(t, c.own)
	require.Len(t, own.samples("otelcol_receiver_facefusion_observations"), 5, "one for each probe")
	require.NotEmpty(t, own.samples("otelcol_receiver_facefusion_observation_failures", "probe", "process"), "there is no /proc under an empty root")
}
