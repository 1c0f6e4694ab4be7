package configfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"

	// The distribution has this provider: a program of somebody else, which has only the receiver,
	// keeps its timers.
	_ "github.com/otelcol-facefusion/otelcol-facefusion/internal/timerslack"
)

// NewFactory makes the factory of the provider.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(set confmap.ProviderSettings) confmap.Provider {
		return provider{fileprovider.NewFactory().Create(set)}
	})
}

// provider is the Collector's own, which says of what is no YAML neither the file nor the remedy.
type provider struct{ confmap.Provider }

// Retrieve implements confmap.Provider. The file is read once: a FIFO, /dev/stdin and what a shell
// makes of <(command) are empty the second time.
func (p provider) Retrieve(ctx context.Context, uri string, watch confmap.WatcherFunc) (*confmap.Retrieved, error) {
	path, mine := strings.CutPrefix(uri, p.Scheme()+":")
	if !mine {
		return p.Provider.Retrieve(ctx, uri, watch) // it refuses
	}
	name := filepath.Clean(path)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("unable to read the file %v: %w", uri, err)
	}
	if err := keep(name, text); err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(text)
}

// whole is a file that is a configuration, and not one part or text of it that another file refers
// to: a password, for one, may be no YAML.
var whole = regexp.MustCompile(`(?m)^(receivers|processors|exporters|connectors|extensions|service)[ \t]*:`)

func keep(name string, text []byte) error {
	source, err := Parse(name, text)
	if err != nil {
		if whole.Match(text) {
			return err
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
