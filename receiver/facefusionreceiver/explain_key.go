package facefusionreceiver

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// unknownKey says which key is meant, as far as that can be guessed.
func unknownKey(path, key string, known []string) error {
	if section := strings.TrimSuffix(path, ": "); section == "metrics" || section == "events" {
		return unknownName(section, key, known)
	}
	text := fmt.Sprintf("%s%s is no setting", path, key)
	if likely := closest(key, known); likely != "" {
		return fmt.Errorf("%s: write %s", text, likely)
	}
	return fmt.Errorf("%s: give one of %s", text, strings.Join(known, ", "))
}

// unknownName is of a metric or an event. Their names have dots; on a page of Prometheus they have
// underscores, and a unit behind.
func unknownName(section, key string, known []string) error {
	other, fields := "events", reflect.TypeFor[metadata.EventsConfig]()
	if section == "events" {
		other, fields = "metrics", reflect.TypeFor[metadata.MetricsConfig]()
	}
	if _, there := fieldsOf(fields)[key]; there {
		return fmt.Errorf("%s: %s is one of the %s: write it under %s", section, key, other, other)
	}
	underscores := strings.NewReplacer(".", "_", "-", "_")
	if section == "metrics" {
		known = slices.AppendSeq(known, maps.Keys(new(HistogramsConfig).byName()))
	}
	plain, meant := underscores.Replace(key), ""
	for _, name := range known {
		if p := underscores.Replace(name); (plain == p || strings.HasPrefix(plain, p+"_")) && len(name) > len(meant) {
			meant = name
		}
	}
	if meant == "" {
		meant = closest(key, known)
	}
	if meant == "" {
		return fmt.Errorf("%s: there is no %s: documentation.md has their names", section, key)
	}
	return errors.New(section + ": there is no " + key + ": write " + meant)
}

// closest is the only name that the key is the beginning of, else the one that differs by the
// fewest letters, if those are few.
func closest(key string, names []string) (found string) {
	begun := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, key) })
	if len(key) > 2 && len(begun) == 1 {
		return begun[0]
	}
	least := 1 + len(key)/3
	for _, name := range names {
		if d := distance(key, name); d <= least && (found == "" || d < distance(key, found)) {
			found = name
		}
	}
	return found
}

// distance counts the letters to insert, remove or replace that make one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
