package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run() error {
	devices, err := open(os.Getenv("FACEFUSION_NVML_LIBRARY"))
	if err != nil {
		return err
	}
	watched := map[string]bool{}
	for second := 0; ; second++ {
		if err := processes(watched); err != nil {
			return err
		}
		for _, d := range devices {
			sample(d)
			if second%15 == 0 {
				details(d)
			}
		}
		if second%5 == 0 {
			request("127.0.0.1:7860", "/startup-events")
			request("127.0.0.1:8000", "/")
		}
		time.Sleep(time.Second)
	}
}

func open(library string) ([]nvml.Device, error) {
	if err := nvml.SetLibraryOptions(nvml.WithLibraryPath(library)); err != nil {
		return nil, err
	}
	if r := nvml.Init(); r != nvml.SUCCESS {
		return nil, fmt.Errorf("nvmlInit: %v", r)
	}
	count, r := nvml.DeviceGetCount()
	if r != nvml.SUCCESS {
		return nil, fmt.Errorf("nvmlDeviceGetCount: %v", r)
	}
	devices := make([]nvml.Device, count)
	for i := range devices {
		if devices[i], r = nvml.DeviceGetHandleByIndex(i); r != nvml.SUCCESS {
			return nil, fmt.Errorf("GPU %d: %v", i, r)
		}
	}
	return devices, nil
}

// processes lists /proc, reads the command line of new processes once, and reads the CPU times of
// FaceFusion's processes.
func processes(watched map[string]bool) error {
	folder, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		ours, known := watched[name]
		if !known {
			cmdline, _ := os.ReadFile("/proc/" + name + "/cmdline") // it may have ended
			ours = bytes.Contains(cmdline, []byte("facefusion.py"))
			watched[name] = ours
		}
		if ours {
			_, _ = os.ReadFile("/proc/" + name + "/stat") // likewise
		}
	}
	return nil
}

// sample reads what changes within an interval.
func sample(d nvml.Device) {
	d.GetUtilizationRates()
	d.GetMemoryInfo()
	d.GetPowerUsage()
	d.GetTemperature(nvml.TEMPERATURE_GPU)
	d.GetClockInfo(nvml.CLOCK_SM)
	d.GetCurrentClocksThrottleReasons()
	d.GetEncoderUtilization()
	d.GetDecoderUtilization()
	d.GetComputeRunningProcesses()
	d.GetProcessUtilization(0)
}

// details reads the other readings.
func details(d nvml.Device) {
	d.GetTotalEnergyConsumption()
	d.GetEnforcedPowerLimit()
	d.GetFanSpeed()
	d.GetClockInfo(nvml.CLOCK_GRAPHICS)
	d.GetClockInfo(nvml.CLOCK_MEM)
	d.GetPerformanceState()
	d.GetCurrPcieLinkGeneration()
	d.GetCurrPcieLinkWidth()
	d.GetBAR1MemoryInfo()
	d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
	d.GetRemappedRows()
}

// request is an HTTP request by hand.
func request(address, path string) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second)) // a connection of the kernel's takes one
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, address)
	_, _ = io.Copy(io.Discard, conn) // whatever it answers
}
