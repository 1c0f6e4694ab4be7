package configcheck

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// Compose puts the lists service::extensions of several files together. The Collector replaces one
// by the next: an overlay that brings an extension took away those of the files before it, and what
// needed one of them did not start. An empty list begins anew, and one that stands in no file
// (--set, yaml:) has the last word.
func Compose(ctx context.Context, conf *confmap.Conf, sources []configfile.SourceFile) error {
	var written []configfile.SourceFile
	for _, s := range sources {
		if s.Value("service", "extensions") != nil {
			written = append(written, s)
		}
	}
	if len(written) < 2 {
		return nil
	}
	var lists [][]any
	for _, s := range written {
		list, isList, err := expand(ctx, s.Value("service", "extensions"))
		if err != nil {
			return fmt.Errorf("%s: service: extensions: %w", configfile.Where([]configfile.SourceFile{s}, "service", "extensions"), err)
		}
		if isList {
			lists = append(lists, list)
		}
	}
	given, _ := conf.Get("service::extensions").([]any)
	if len(lists) < 2 || !slices.Equal(names(given), names(lists[len(lists)-1])) {
		return nil
	}
	all := []any{}
	for _, list := range lists {
		if len(list) == 0 {
			all = []any{}
		}
		for _, id := range list {
			if !slices.Contains(names(all), fmt.Sprint(id)) {
				all = append(all, id)
			}
		}
	}
	return conf.Merge(confmap.NewFromStringMap(map[string]any{"service": map[string]any{"extensions": all}}))
}

// names are the entries of a list in a form that can be compared.
func names(list []any) []string {
	texts := make([]string, 0, len(list))
	for _, entry := range list {
		texts = append(texts, fmt.Sprint(entry))
	}
	return texts
}

// expand reads a list as the Collector does, with what it takes from the environment and from other
// files: what is written in a file, ${env:NAME}, is not what the configuration has in the end. The
// providers are those of the agent; its own of files would take note of these once more.
func expand(ctx context.Context, node *yaml.Node) (list []any, isList bool, err error) {
	text, err := yaml.Marshal(map[string]*yaml.Node{"list": node})
	if err != nil {
		return nil, false, err
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"yaml:" + string(text)},
		ProviderFactories: []confmap.ProviderFactory{envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory()},
		DefaultScheme:     "env",
	})
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = resolver.Shutdown(ctx) }() // it holds nothing
	conf, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, false, err
	}
	list, isList = conf.Get("list").([]any)
	return list, isList, nil
}
