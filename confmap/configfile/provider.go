package configfile

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.yaml.in/yaml/v3"
)

// NewFactory makes the factory of the provider.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(set confmap.ProviderSettings) confmap.Provider {
		return provider{fileprovider.NewFactory().Create(set)}
	})
}

// provider is the Collector's own, which says of what is no YAML neither the file nor the remedy.
type provider struct{ confmap.Provider }

// Retrieve implements confmap.Provider.
func (p provider) Retrieve(ctx context.Context, uri string, watch confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name := filepath.Clean(strings.TrimPrefix(uri, p.Scheme()+":"))
	if text, err := os.ReadFile(name); err == nil { // else the other one says so
		if err := keep(name, text); err != nil {
			return nil, err
		}
	}
	return p.Provider.Retrieve(ctx, uri, watch)
}

// whole is a file that is a configuration, and not one part or text of it that another file refers
// to: a password, for one, may be no YAML.
var whole = regexp.MustCompile(`(?m)^(receivers|processors|exporters|connectors|extensions|service)[ \t]*:`)

func keep(name string, text []byte) error {
	source := SourceFile{Name: name, Root: new(yaml.Node)}
	if err := yaml.Unmarshal(text, source.Root); err != nil {
		if whole.Match(text) {
			return Explain(name, text, err)
		}
		return nil
	}
	recent.mu.Lock()
	defer recent.mu.Unlock()
	recent.sources = append(slices.DeleteFunc(recent.sources, func(s SourceFile) bool { return s.Name == name }), source)
	return nil
}

// recent are the files that were read since the last Take. Providers and converters of the
// Collector know nothing of each other, and a process has one configuration.
var recent struct {
	mu      sync.Mutex
	sources []SourceFile
}

// Take returns the files that were read since it was called last, in their order.
func Take() []SourceFile {
	recent.mu.Lock()
	defer recent.mu.Unlock()
	sources := recent.sources
	recent.sources = nil
	return sources
}
