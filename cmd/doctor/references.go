package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkReferences looks for extensions that a component needs and the service does not start, and
// the other way round. A storage or an authenticator that is missing is noticed by the collector
// when it starts, and not by its validation.
func (c *resolvedConfig) checkReferences() (findings []finding) {
	used := make(map[string]bool)
	for _, component := range c.components() {
		each(component.settings, component.String(), func(path, key string, _ map[string]any, value any) {
			if key != "storage" && key != "authenticator" {
				return
			}
			id, _ := value.(string)
			if id == "" {
				return
			}
			used[id] = true
			_, defined := asMap(c.all["extensions"])[id]
			started := slices.Contains(c.started["extensions"], id)
			switch {
			case !defined:
				findings = append(findings, finding{"configuration", Failure, path, fmt.Sprintf("there is no extension %q", id), "define it under extensions, and name it in service::extensions"})
			case cannotBe(key, id):
				findings = append(findings, finding{"configuration", Failure, path, fmt.Sprintf("the extension %q is no %s", id, key), "name one that is: " + examples[key]})
			case !started:
				findings = append(findings, finding{"configuration", Failure, path, fmt.Sprintf("the extension %q is not started", id), "add it to service::extensions; the lists of several files add up, but an empty one begins anew, and --set and yaml: replace them"})
			default:
				findings = append(findings, finding{"configuration", OK, path, fmt.Sprintf("%q is defined and started", id), ""})
			}
		})
	}
	for _, section := range sections {
		for _, id := range slices.Sorted(maps.Keys(asMap(c.all[section]))) {
			if !slices.Contains(c.started[section], id) {
				status := Info
				if section == "extensions" && used[id] {
					continue // said above
				}
				findings = append(findings, finding{"configuration", status, section + "::" + id, "is defined and not used", ""})
			}
		}
		for _, id := range c.started[section] {
			if _, defined := asMap(c.all[section])[id]; !defined {
				findings = append(findings, finding{"configuration", Failure, section + "::" + id, "is used and not defined", "define it, or take it out of the pipelines"})
			}
		}
	}
	return findings
}

// checkPipelines looks for what works, and not as meant.
func (c *resolvedConfig) checkPipelines() (findings []finding) {
	service := asMap(c.all["service"])
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
	for _, component := range c.components() {
		kept = kept || asMap(component.settings["sending_queue"])["storage"] != nil
	}
	for _, component := range c.components() {
		if component.section == "receivers" && component.typ() == "facefusion" && component.settings["storage"] == nil && kept {
			findings = append(findings, finding{"configuration", Warning, component.String(), "keeps no state, although the queue does: jobs that end while the agent is away are not counted", "set storage to the extension that the queue has"})
		}
	}
	return findings
}

// examples are what an extension may be named for.
var examples = map[string]string{
	"storage":       "state_storage or file_storage",
	"authenticator": "basicauth or bearertokenauth",
}

// cannotBe says that an extension is known to be of another kind than what it is named for.
func cannotBe(key, id string) bool {
	typ, _, _ := strings.Cut(id, "/")
	isStorage, isAuthenticator := strings.Contains(typ, "storage"), strings.Contains(typ, "auth")
	switch typ {
	case "health_check", "healthcheckv2", "pprof", "zpages":
		return true
	}
	return key == "storage" && isAuthenticator || key == "authenticator" && isStorage
}
