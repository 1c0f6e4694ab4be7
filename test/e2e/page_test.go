//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// page is a page of metrics in Prometheus' text format.
type page string

// sample is one line of it.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	line  = regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$`)
	label = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// samples are the lines of one metric whose labels have the values that are given, in pairs.
func (p page) samples(name string, pairs ...string) []sample {
	var found []sample
	for _, m := range line.FindAllStringSubmatch(string(p), -1) {
		if m[1] != name {
			continue
		}
		s := sample{name: name, labels: map[string]string{}}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			s.labels[l[1]] = l[2]
		}
		s.value, _ = strconv.ParseFloat(m[3], 64)
		if s.has(pairs) {
			found = append(found, s)
		}
	}
	return found
}

func (s sample) has(pairs []string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if s.labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}

// is reports whether exactly one series has these labels and this value.
func (p page) is(value float64, name string, pairs ...string) bool {
	found := p.samples(name, pairs...)
	return len(found) == 1 && found[0].value == value
}

// facefusion returns the receiver's part of the page, sorted.
func (p page) facefusion() string {
	var lines []string
	for l := range strings.Lines(string(p)) {
		if strings.HasPrefix(l, "#") || strings.HasPrefix(l, "system_") || strings.TrimSpace(l) == "" {
			continue
		}
		lines = append(lines, strings.TrimRight(l, "\n"))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
