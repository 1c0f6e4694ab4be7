package facefusionreceiver

import (
	"net/url"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/gpuprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/jobprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// probes is the list: one line for each probe. They start in this order and end in the opposite one.
var probes = []struct {
	enabled func(*Config) bool
	create  func(*Config, probe.Env) probe.Probe
}{
	{func(c *Config) bool { return c.GPU.Enabled }, newGPUProbe},
	{func(c *Config) bool { return c.Process.Enabled }, newProcessProbe},
	{func(c *Config) bool { return c.Web.Enabled }, newWebProbe},
	{func(c *Config) bool { return c.Jobs.Enabled }, newJobProbe},
}

func newProbes(cfg *Config, env probe.Env) []probe.Probe {
	var list []probe.Probe
	for _, p := range probes {
		if p.enabled(cfg) {
			list = append(list, p.create(cfg, env))
		}
	}
	return list
}

func newGPUProbe(cfg *Config, env probe.Env) probe.Probe {
	return gpuprobe.New(cfg.GPU, nvmldriver.New(nvmldriver.Settings{LibraryPath: cfg.GPU.LibraryPath}), env)
}

func newProcessProbe(cfg *Config, env probe.Env) probe.Probe {
	var instances []process.Configured
	for _, instance := range cfg.Instances {
		if instance.Path != "" || instance.JobsPath != "" {
			instances = append(instances, process.Configured{Name: instance.Name, Path: instance.Path, JobsPath: instance.JobsPath})
		}
	}
	return processprobe.New(cfg.Process, instances, env)
}

func newWebProbe(cfg *Config, env probe.Env) probe.Probe {
	var endpoints []webprobe.Endpoint
	for _, instance := range cfg.Instances {
		if instance.Endpoint == "" {
			continue
		}
		if u, err := url.Parse(instance.Endpoint); err == nil { // Validate has refused every other
			endpoints = append(endpoints, webprobe.Endpoint{Instance: instance.Name, URL: u, Folders: instance.folders(cfg.RootPath)})
		}
	}
	return webprobe.New(cfg.Web, cfg.Histograms.Web, endpoints, cfg.Process.Enabled, env)
}

func newJobProbe(cfg *Config, env probe.Env) probe.Probe {
	return jobprobe.New(cfg.Jobs, cfg.Histograms.Jobs, env)
}
