package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// value is one reading of a GPU; ok is false where the driver has none.
type value struct {
	name string
	read func(nvml.Device) (float64, nvml.Return)
}

func number[T uint32 | uint64 | int32 | int](n T, r nvml.Return) (float64, nvml.Return) {
	return float64(n), r
}

var values = []value{
	{"utilization_gpu", func(d nvml.Device) (float64, nvml.Return) { u, r := d.GetUtilizationRates(); return float64(u.Gpu), r }},
	{"memory_used", func(d nvml.Device) (float64, nvml.Return) { m, r := d.GetMemoryInfo(); return float64(m.Used), r }},
	{"memory_total", func(d nvml.Device) (float64, nvml.Return) { m, r := d.GetMemoryInfo(); return float64(m.Total), r }},
	{"temperature", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetTemperature(nvml.TEMPERATURE_GPU)) }},
	{"power", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetPowerUsage()) }},
	{"power_limit", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetEnforcedPowerLimit()) }},
	{"energy", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetTotalEnergyConsumption()) }},
	{"fan", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetFanSpeed()) }},
	{"clock_graphics", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetClockInfo(nvml.CLOCK_GRAPHICS)) }},
	{"clock_sm", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetClockInfo(nvml.CLOCK_SM)) }},
	{"clock_memory", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetClockInfo(nvml.CLOCK_MEM)) }},
	{"clock_video", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetClockInfo(nvml.CLOCK_VIDEO)) }},
	{"clock_graphics_max", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetMaxClockInfo(nvml.CLOCK_GRAPHICS)) }},
	{"clock_memory_max", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetMaxClockInfo(nvml.CLOCK_MEM)) }},
	{"pstate", func(d nvml.Device) (float64, nvml.Return) { p, r := d.GetPerformanceState(); return float64(p), r }},
	{"encoder", func(d nvml.Device) (float64, nvml.Return) { u, _, r := d.GetEncoderUtilization(); return float64(u), r }},
	{"decoder", func(d nvml.Device) (float64, nvml.Return) { u, _, r := d.GetDecoderUtilization(); return float64(u), r }},
	{"pcie_generation", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetCurrPcieLinkGeneration()) }},
	{"pcie_width", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetCurrPcieLinkWidth()) }},
	{"clock_reasons", func(d nvml.Device) (float64, nvml.Return) { return number(d.GetCurrentClocksThrottleReasons()) }},
	{"bar1_used", func(d nvml.Device) (float64, nvml.Return) {
		b, r := d.GetBAR1MemoryInfo()
		return float64(b.Bar1Used), r
	}},
	{"processes", func(d nvml.Device) (float64, nvml.Return) {
		p, r := d.GetComputeRunningProcesses()
		return float64(len(p)), r
	}},
}

// gpuCollector reads all GPUs at each scrape.
type gpuCollector struct {
	devices []nvml.Device
	descs   []*prometheus.Desc
}

func (c gpuCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

func (c gpuCollector) Collect(out chan<- prometheus.Metric) {
	for i, device := range c.devices {
		uuid, _ := device.GetUUID() // its index identifies it as well
		for j, v := range values {
			if n, r := v.read(device); r == nvml.SUCCESS {
				out <- prometheus.MustNewConstMetric(c.descs[j], prometheus.GaugeValue, n, strconv.Itoa(i), uuid)
			}
		}
	}
}

func run() error {
	library := os.Getenv("FACEFUSION_NVML_LIBRARY")
	if library == "" {
		return errors.New("FACEFUSION_NVML_LIBRARY is not set")
	}
	if err := nvml.SetLibraryOptions(nvml.WithLibraryPath(library)); err != nil {
		return err
	}
	if r := nvml.Init(); r != nvml.SUCCESS {
		return fmt.Errorf("nvmlInit: %v", r)
	}
	count, r := nvml.DeviceGetCount()
	if r != nvml.SUCCESS || count == 0 {
		return fmt.Errorf("%d GPUs: %v", count, r)
	}
	var c gpuCollector
	for i := range count {
		device, r := nvml.DeviceGetHandleByIndex(i)
		if r != nvml.SUCCESS {
			return fmt.Errorf("GPU %d: %v", i, r)
		}
		c.devices = append(c.devices, device)
	}
	for _, v := range values {
		c.descs = append(c.descs, prometheus.NewDesc("gpu_"+v.name, v.name, []string{"gpu", "uuid"}, nil))
	}
	prometheus.MustRegister(c)
	http.Handle("/metrics", promhttp.Handler())
	return http.ListenAndServe("127.0.0.1:19835", nil)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gpuexporter:", err)
		os.Exit(1)
	}
}
