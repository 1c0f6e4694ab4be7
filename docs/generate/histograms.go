package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/otlptranslator"
)

var (
	histogram = regexp.MustCompile(`Name:\s+"([^"]+)",\s+Unit:\s+"([^"]+)",\s+Description:\s+"([^"]+)",\s+Attributes:\s+\[\]string\{([^}]+)\}`)
	declared  = regexp.MustCompile(`probe\.HistogramSpec\{`)
	constant  = regexp.MustCompile(`(?m)^\t(\w+)\s+= ("[a-z.]+")$`)
)

// histograms reads the declarations in Go, with the constants of their folder.
func (from *metadataFile) histograms(receiver string) ([]metric, error) {
	files, err := filepath.Glob(filepath.Join(receiver, "internal/*/histograms.go"))
	if err != nil {
		return nil, err
	}
	var found []metric
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		constants, err := constantsOf(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		matches := histogram.FindAllStringSubmatch(string(text), -1)
		if len(matches) != len(declared.FindAllString(string(text), -1)) {
			return nil, fmt.Errorf("%s: a histogram without a name, unit, description and attributes, in this order", file)
		}
		for _, match := range matches {
			prometheus, err := translate(match[1], match[2], otlptranslator.MetricTypeHistogram)
			if err != nil {
				return nil, err
			}
			attributes, err := resolve(match[4], constants)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, match[1], err)
			}
			details, err := from.details(attributes)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, match[1], err)
			}
			found = append(found, metric{Name: match[1], Prometheus: prometheus, Kind: "histogram", Unit: match[2],
				Attributes: list(attributes), Description: match[3], Enabled: true, Details: details})
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no histogram is declared in internal/*/histograms.go")
	}
	return found, nil
}

// details are what metadata.yaml says of attributes.
func (from *metadataFile) details(names []string) (all []attribute, err error) {
	for _, name := range names {
		a, err := from.attribute(name)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// constantsOf returns the constants of text in a folder of Go files.
func constantsOf(folder string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	constants := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range constant.FindAllStringSubmatch(string(text), -1) {
			constants[match[1]] = match[2]
		}
	}
	return constants, nil
}

// resolve reads the elements of a list in Go: texts, and names of constants.
func resolve(elements string, constants map[string]string) ([]string, error) {
	var texts []string
	for element := range strings.SplitSeq(elements, ", ") {
		text, err := strconv.Unquote(cmp.Or(constants[element], element))
		if err != nil {
			return nil, fmt.Errorf("%s is neither a text nor a constant of its folder", element)
		}
		texts = append(texts, text)
	}
	return texts, nil
}
