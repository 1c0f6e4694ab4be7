package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// checkFaceFusion looks for FaceFusion as the agent does, for some seconds.
func checkFaceFusion(ctx context.Context, cfg *facefusionreceiver.Config) []finding {
	findings := withoutAuthenticators(cfg)
	seen, err := observe(ctx, cfg)
	if err != nil {
		return append(findings, finding{"facefusion", Failure, "", "cannot look as the agent does: " + err.Error(), "correct what the message names"})
	}
	return append(findings, seen.findings(cfg)...)
}

// withoutAuthenticators takes out what needs other components of the agent, and looks without.
func withoutAuthenticators(cfg *facefusionreceiver.Config) (findings []finding) {
	cfg.GPU.Enabled, cfg.Storage = false, nil
	clients := cfg.Clients()
	for _, subject := range slices.Sorted(maps.Keys(clients)) {
		client := clients[subject]
		if client.Auth.HasValue() || len(client.Middlewares) > 0 {
			findings = append(findings, finding{"server", Info, subject, "is asked without its auth and middlewares here: that it refuses such a request is no fault", ""})
		}
		client.Auth, client.Middlewares = withoutAuth, nil
	}
	return findings
}

// findings are all that the page and the log say.
func (o *pageView) findings(cfg *facefusionreceiver.Config) (findings []finding) {
	if len(o.points) == 0 {
		return []finding{{"facefusion", Failure, "", "nothing was seen in time", "look again with a longer --timeout; see privileges above"}}
	}
	for _, p := range o.of("facefusion.process.visibility") {
		if p.value == 1 {
			findings = append(findings, finds(visibilities, "privileges", "facefusion_process_visibility", p.attributes["facefusion.process.visibility"]))
		}
	}
	ids := o.instances()
	if len(ids) == 0 {
		findings = append(findings, finding{"facefusion", Warning, "", "no FaceFusion runs here that can be seen", "start one; it is found by its command line (python facefusion.py …) and its checkout"})
	}
	for _, id := range ids {
		findings = append(findings, o.instance(cfg, id))
	}
	for _, id := range ids {
		findings = append(findings, o.servers(cfg, id)...)
	}
	for _, id := range ids {
		findings = append(findings, o.jobs(id)...)
	}
	return oneCause(append(findings, o.said()...))
}

// oneCause leaves one warning of what has one cause: that the agent may not look into the processes
// and folders of others. The rest is to know.
func oneCause(findings []finding) []finding {
	blind := func(f finding) bool { return f.Status == Warning && strings.HasPrefix(f.Remedy, capabilitiesRemedy) }
	first := slices.IndexFunc(findings, func(f finding) bool { return blind(f) && f.Check == "facefusion" })
	if first < 0 {
		first = slices.IndexFunc(findings, blind)
	}
	others := 0
	for i := range findings {
		if i != first && blind(findings[i]) {
			findings[i].Status, findings[i].Remedy = Info, ""
			others++
		}
	}
	if others > 0 {
		findings[first].Detail += fmt.Sprintf(" (%d more findings have the same cause)", others)
	}
	return findings
}

// instance says what runs of one.
func (o *pageView) instance(cfg *facefusionreceiver.Config, id string) finding {
	var parts []string
	for _, p := range o.of("facefusion.process.count", id) {
		if p.value > 0 {
			parts = append(parts, fmt.Sprintf("%g %s", p.value, p.attributes["facefusion.process.role"]))
		}
	}
	detail := strings.Join(parts, ", ")
	version := ""
	for _, p := range o.of("facefusion.instance.info", id) {
		version = p.attributes["service.version"]
	}
	up, known := o.value("facefusion.process.up", id)
	named := configuredAs(cfg, id)
	configured := named != nil
	switch state := o.state("facefusion.instance.configuration.state", id); {
	case !known && configured && state == "":
		return finding{"facefusion", OK, id, "is configured by its address alone", ""}
	case !known:
		return finding{"facefusion", Warning, id, "it cannot be seen whether it runs: not all processes may be looked at", capabilitiesRemedy}
	case up == 0 && state == "denied":
		return finding{"facefusion", Warning, id, "what is configured of it may not be looked at", capabilitiesRemedy}
	case up == 0 && (state == "waiting" || state == "unmatched"):
		return finding{"facefusion", Warning, id, "nothing fits what is configured of it: " + unfit(cfg.RootPath, named), "start it, or correct path, jobs_path or match: docs/instances.md"}
	case up == 0 && configured:
		return finding{"facefusion", Warning, id, "is configured, and does not run", "start it; one that need not run always has expected: false"}
	case up == 0 && version == "":
		return finding{"facefusion", Warning, id, "was found, and does not run now; its checkout was not seen, and so neither its version nor its jobs", capabilitiesRemedy}
	case up == 0:
		return finding{"facefusion", Warning, id, "version " + version + ", was found, and does not run now", "start it, or ask again if it is being started"}
	case version == "":
		return finding{"facefusion", Warning, id, detail + "; its checkout is not seen, and so neither its version nor its jobs", capabilitiesRemedy}
	}
	return finding{"facefusion", OK, id, "version " + version + ", " + detail, ""}
}

// configuredAs is the instance of that name; nil for one that was found.
func configuredAs(cfg *facefusionreceiver.Config, id string) *facefusionreceiver.InstanceConfig {
	if i := slices.IndexFunc(cfg.Instances, func(i facefusionreceiver.InstanceConfig) bool { return i.Name == id }); i >= 0 {
		return &cfg.Instances[i]
	}
	return nil
}

// unfit says what is not there of what is configured of an instance.
func unfit(root string, i *facefusionreceiver.InstanceConfig) string {
	if i == nil {
		return "no process fits"
	}
	var parts []string
	for _, field := range []struct{ name, value, file string }{{"path", i.Path, "facefusion/metadata.py"}, {"jobs_path", i.JobsPath, ""}} {
		if field.value == "" {
			continue
		}
		folder := filepath.Join(root, field.value)
		if _, err := os.Stat(folder); err != nil {
			parts = append(parts, fmt.Sprintf("there is no %s (%s) on the host", field.value, field.name))
		} else if _, err := os.Stat(filepath.Join(folder, field.file)); err != nil {
			parts = append(parts, fmt.Sprintf("%s (%s) is there, and is no checkout of FaceFusion: it has no %s", field.value, field.name, field.file))
		}
	}
	if i.Match != nil {
		parts = append(parts, "no process fits its match")
	}
	return strings.Join(parts, "; ")
}

// servers says how its web servers are.
func (o *pageView) servers(cfg *facefusionreceiver.Config, id string) (findings []finding) {
	named := configuredAs(cfg, id)
	for _, p := range o.of("facefusion.server.state", id) {
		if p.value == 1 {
			subject := id
			if port := p.attributes["server.port"]; port != "" {
				subject = fmt.Sprintf("%s, port %s", id, port)
			}
			state := p.attributes["facefusion.server.state"]
			if state == "answering" && named != nil && named.Health != nil {
				findings = append(findings, finding{"server", Warning, subject, "answering, but its health check has not succeeded: it failed once, or has not come back", "ask the URL of instances[].health.endpoint yourself, or look again with a longer --timeout"})
				continue
			}
			findings = append(findings, finds(serverStates, "server", subject, state))
		}
	}
	for _, p := range o.of("facefusion.process.count", id) {
		if p.attributes["facefusion.process.role"] == "server" && p.value > 0 && len(findings) == 0 {
			return []finding{{"server", Warning, id, "where its web server listens is not seen, or it has not answered yet", capabilitiesRemedy + "; for one in a network of its own, name its endpoint under instances"}}
		}
	}
	return findings
}

// jobs says how its jobs folder is.
func (o *pageView) jobs(id string) []finding {
	state := o.state("facefusion.job.folder.state", id)
	if state == "" {
		return nil
	}
	f := finds(jobsFolderStates, "jobs", id, state)
	if state == "open" {
		total := 0.0
		for _, p := range o.of("facefusion.job.count", id) {
			total += p.value
		}
		f.Detail = fmt.Sprintf("open, %g jobs", total)
	}
	return []finding{f}
}

// said are the warnings of the log, and the hints at what no rule finds. What the states say
// already is left out.
func (o *pageView) said() (findings []finding) {
	for _, l := range o.lines {
		remedy, _ := l.fields["remedy"].(string)
		if match, _ := l.fields["match"].(string); match != "" {
			findings = append(findings, finding{"facefusion", Info, fmt.Sprintf("pid %v", l.fields["pid"]), fmt.Sprintf("may be FaceFusion, and no rule finds it: %v", l.fields["reason"]), "if it is, add to receivers::facefusion: " + match})
			continue
		}
		if _, visibility := l.fields["capability"]; visibility || l.level < zapcore.WarnLevel {
			continue
		}
		subject, _ := l.fields["instance"].(string)
		findings = append(findings, finding{"facefusion", Warning, subject, l.text(), remedy})
	}
	return findings
}

// text is the message with its fields.
func (l logLine) text() string {
	text := l.message
	for _, key := range slices.Sorted(maps.Keys(l.fields)) {
		if key != "remedy" && key != "instance" {
			text += fmt.Sprintf(", %s %v", key, l.fields[key])
		}
	}
	return text
}
