package configcheck

import (
	"slices"

	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// Compose puts the lists service::extensions of several files together. The Collector replaces one
// by the next: an overlay that brings an extension took away those of the files before it, and what
// needed one of them did not start. An empty list begins anew, and one that stands in no file
// (--set, yaml:) has the last word.
func Compose(conf *confmap.Conf, sources []configfile.SourceFile) error {
	var lists [][]string
	for _, s := range sources {
		if node := s.Value("service", "extensions"); node != nil && node.Kind == yaml.SequenceNode {
			list := []string{}
			for _, entry := range node.Content {
				list = append(list, entry.Value)
			}
			lists = append(lists, list)
		}
	}
	if len(lists) < 2 {
		return nil
	}
	given, _ := conf.Get("service::extensions").([]any)
	var last []string
	for _, entry := range given {
		id, _ := entry.(string)
		last = append(last, id)
	}
	if !slices.Equal(last, lists[len(lists)-1]) {
		return nil
	}
	var all []any
	for _, list := range lists {
		if len(list) == 0 {
			all = []any{}
		}
		for _, id := range list {
			if !slices.Contains(all, any(id)) {
				all = append(all, id)
			}
		}
	}
	return conf.Merge(confmap.NewFromStringMap(map[string]any{"service": map[string]any{"extensions": all}}))
}
