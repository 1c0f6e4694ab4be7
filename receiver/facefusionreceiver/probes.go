package facefusionreceiver

import (
	"net/url"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/gpuprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/jobprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/logprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/trigger"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// probes is the list: one line for each probe. They start in this order and end in the opposite
// one.
var probes = []struct {
	enabled func(*Config) bool
	create  func(*Config, probe.Env) probe.Probe
	// leads says that the other probes report what this one finds: a change is scraped of all.
	leads bool
}{
	{func(c *Config) bool { return c.GPU.Enabled }, newGPUProbe, false},
	{func(c *Config) bool { return c.Process.Enabled }, newProcessProbe, true},
	{func(c *Config) bool { return c.Web.Enabled }, newWebProbe, false},
	{func(c *Config) bool { return c.Jobs.Enabled }, newJobProbe, false},
	{func(*Config) bool { return true }, newLogProbe, false},
}

// newProbes makes the probes, and the part of the trigger that each of them is.
func newProbes(cfg *Config, env probe.Env, scrapes *trigger.Trigger) (list []probe.Probe, parts []*trigger.Part) {
	for _, p := range probes {
		if !p.enabled(cfg) {
			continue
		}
		part := scrapes.NewPart()
		env.RequestScrape = part.RequestScrape
		if p.leads {
			env.RequestScrape = scrapes.RequestScrape
		}
		list, parts = append(list, p.create(cfg, env)), append(parts, part)
	}
	return list, parts
}

func newGPUProbe(cfg *Config, env probe.Env) probe.Probe {
	return gpuprobe.New(cfg.GPU, nvmldriver.New(nvmldriver.Settings{LibraryPath: cfg.GPU.LibraryPath, RootPath: env.RootPath}), env)
}

func newProcessProbe(cfg *Config, env probe.Env) probe.Probe {
	var instances []process.Configured
	for _, instance := range cfg.Instances {
		if instance.Path != "" || instance.JobsPath != "" || instance.Match != nil {
			instances = append(instances, process.Configured{Name: instance.Name, Path: instance.Path, JobsPath: instance.JobsPath, Match: instance.Match.match(), Expected: instance.expected()})
		}
	}
	return processprobe.New(cfg.Process, instances, env)
}

func newWebProbe(cfg *Config, env probe.Env) probe.Probe {
	var instances []webprobe.ConfiguredInstance
	for _, c := range cfg.Instances {
		i := webprobe.ConfiguredInstance{Name: c.Name, Health: c.Health, Folders: c.folders(cfg.RootPath)}
		// Validate has refused every other
		if u, err := url.Parse(c.Endpoint); err == nil && c.Endpoint != "" {
			i.Endpoint = u
		}
		if i.Endpoint != nil || i.Health != nil {
			instances = append(instances, i)
		}
	}
	return webprobe.New(cfg.Web, cfg.Histograms.Web, instances, cfg.Process.Enabled, env)
}

func newJobProbe(cfg *Config, env probe.Env) probe.Probe {
	return jobprobe.New(cfg.Jobs, cfg.Histograms.Jobs, env)
}

func newLogProbe(_ *Config, env probe.Env) probe.Probe { return logprobe.New(env) }
