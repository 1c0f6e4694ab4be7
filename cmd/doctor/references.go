package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
)

// checkReferences looks for components that are defined and not used, and the other way round.
func (c *resolvedConfig) checkReferences() (findings []finding) {
	used := make(map[string]bool)
	for _, component := range c.Components() {
		component.Each(func(path, key string, _ map[string]any, value any) {
			id, _ := value.(string)
			if !configcheck.IsReference(key) || id == "" {
				return
			}
			used[id] = true
			if !c.refuses(path) {
				findings = append(findings, finding{"configuration", OK, path, fmt.Sprintf("%q is defined and started", id), ""})
			}
		})
	}
	for _, section := range configcheck.ComponentSections {
		for _, id := range slices.Sorted(maps.Keys(asMap(c.All[section]))) {
			if !slices.Contains(c.Started[section], id) {
				status := Info
				if section == "extensions" && used[id] {
					continue // said above
				}
				findings = append(findings, finding{"configuration", status, section + "::" + id, "is defined and not used", ""})
			}
		}
		for _, id := range c.Started[section] {
			if _, defined := asMap(c.All[section])[id]; !defined {
				findings = append(findings, finding{"configuration", Failure, section + "::" + id, "is used and not defined", "define it, or take it out of the pipelines"})
			}
		}
	}
	return findings
}

// checkPipelines looks for what works, and not as meant.
func (c *resolvedConfig) checkPipelines() (findings []finding) {
	service := asMap(c.All["service"])
	observed, kept := false, false
	for _, name := range slices.Sorted(maps.Keys(asMap(service["pipelines"]))) {
		pipeline := asMap(asMap(service["pipelines"])[name])
		for _, id := range asStrings(pipeline["receivers"]) {
			observed = observed || id == "facefusion" || strings.HasPrefix(id, "facefusion/")
		}
		for i, id := range asStrings(pipeline["processors"]) {
			if i > 0 && (id == "memory_limiter" || strings.HasPrefix(id, "memory_limiter/")) {
				findings = append(findings, finding{"configuration", Warning, "service::pipelines::" + name, "memory_limiter is not the first processor: what comes before it fills the memory all the same", "put it first"})
			}
		}
	}
	if !observed {
		findings = append(findings, finding{"configuration", Info, "service::pipelines", "no pipeline has the receiver facefusion: this is a gateway", ""})
	}
	for _, component := range c.Components() {
		kept = kept || asMap(component.Settings["sending_queue"])["storage"] != nil
	}
	for _, component := range c.Components() {
		if component.Section == "receivers" && component.Type() == "facefusion" && component.Settings["storage"] == nil && kept {
			findings = append(findings, finding{"configuration", Warning, component.String(), "keeps no state, although the queue does: jobs that end while the agent is away are not counted", "set storage to the extension that the queue has"})
		}
	}
	return findings
}
