package main

import (
	"errors"
	"os"
	"path/filepath"

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
		source, err := configfile.Parse(name, text)
		if err != nil {
			findings = append(findings, noYAML(err))
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
