//go:build linux && cgo

package main

import (
	"regexp"
	"strconv"
	"strings"
)

// sample is a line of the page.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	sampleLine  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)`)
	sampleLabel = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// parsePage reads the text format of Prometheus.
func parsePage(text string) (page []sample) {
	for line := range strings.Lines(text) {
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			continue
		}
		s := sample{name: m[1], labels: map[string]string{}, value: value}
		for _, l := range sampleLabel.FindAllStringSubmatch(m[2], -1) {
			s.labels[l[1]] = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n").Replace(l[2])
		}
		page = append(page, s)
	}
	return page
}

// of finds the sample of a metric about a GPU. A sensor has the GPU as its parent.
func of(page []sample, uuid, name string, labels map[string]string) (sample, bool) {
next:
	for _, s := range page {
		if s.name != name || s.labels["hw_id"] != uuid && (s.labels["hw_parent"] != uuid || strings.HasPrefix(s.labels["hw_id"], "MIG-")) {
			continue
		}
		for k, v := range labels {
			if s.labels[k] != v {
				continue next
			}
		}
		return s, true
	}
	return sample{}, false
}
