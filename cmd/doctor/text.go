package main

import (
	"errors"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// readSources reads the files, and finds what is no YAML.
func readSources(configs []string) (sources []configfile.SourceFile, findings []finding) {
	for _, name := range configs {
		if !isFile(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			continue // that was said
		}
		source := configfile.SourceFile{Name: name, Root: new(yaml.Node)}
		if err := yaml.Unmarshal(text, source.Root); err != nil {
			findings = append(findings, noYAML(configfile.Explain(name, text, err)))
			continue
		}
		sources = append(sources, source)
	}
	return sources, findings
}

func noYAML(err error) finding {
	var e *configfile.Error
	if !errors.As(err, &e) {
		return finding{"configuration", Failure, "", err.Error(), "otelcol-facefusion validate says more"}
	}
	return finding{"configuration", Failure, e.Where, e.What, e.Remedy}
}
