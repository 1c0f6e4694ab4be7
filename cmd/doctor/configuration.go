package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// resolvedConfig is what results from all files and the environment, as the agent would have it.
type resolvedConfig struct {
	all map[string]any
	// started are the components that the service uses, in each section.
	started map[string][]string
}

// The sections of a configuration that define components.
var sections = []string{"receivers", "processors", "exporters", "connectors", "extensions"}

// resolve reads a configuration with the providers of the agent.
func resolve(ctx context.Context, configs, sets []string) (*resolvedConfig, error) {
	uris := slices.Clone(configs)
	for _, setting := range sets {
		key, value, found := strings.Cut(setting, "=")
		if !found {
			return nil, fmt.Errorf("--set %q has no value", setting)
		}
		uris = append(uris, "yaml:"+strings.ReplaceAll(strings.TrimSpace(key), ".", "::")+": "+strings.TrimSpace(value))
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              uris,
		ProviderFactories: []confmap.ProviderFactory{configfile.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory()},
		DefaultScheme:     "env",
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resolver.Shutdown(ctx) }() // it holds nothing
	conf, err := resolver.Resolve(ctx)
	if err == nil {
		err = configcheck.Compose(ctx, conf, configfile.Take())
	}
	if err != nil {
		return nil, err
	}
	c := &resolvedConfig{all: conf.ToStringMap(), started: make(map[string][]string)}
	c.findStarted()
	return c, nil
}

func (c *resolvedConfig) findStarted() {
	service := asMap(c.all["service"])
	c.started["extensions"] = asStrings(service["extensions"])
	for _, name := range slices.Sorted(maps.Keys(asMap(service["pipelines"]))) {
		pipeline := asMap(asMap(service["pipelines"])[name])
		for _, section := range []string{"receivers", "processors", "exporters"} {
			for _, id := range asStrings(pipeline[section]) {
				use := section
				if _, connector := asMap(c.all["connectors"])[id]; connector {
					use = "connectors"
				}
				if !slices.Contains(c.started[use], id) {
					c.started[use] = append(c.started[use], id)
				}
			}
		}
	}
}

// component is one that the service uses.
type component struct {
	section, id string
	settings    map[string]any
}

func (c component) typ() string {
	name, _, _ := strings.Cut(c.id, "/")
	return name
}

func (c component) String() string { return c.section + "::" + c.id }

// components are those that the service uses; of one that is not defined there is nothing to look
// at.
func (c *resolvedConfig) components() (list []component) {
	for _, section := range sections {
		for _, id := range c.started[section] {
			if settings, defined := asMap(c.all[section])[id]; defined {
				list = append(list, component{section, id, asMap(settings)})
			}
		}
	}
	return list
}

// each visits every single value below a map. path has the names on the way, in is the map that
// holds it.
func each(in map[string]any, path string, visit func(path, key string, in map[string]any, value any)) {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		below := path + "::" + key
		switch value := in[key].(type) {
		case map[string]any:
			each(value, below, visit)
		case []any:
			for _, entry := range value {
				each(asMap(entry), below, visit)
			}
		default:
			visit(below, key, in, value)
		}
	}
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func asStrings(value any) (list []string) {
	entries, _ := value.([]any)
	for _, entry := range entries {
		list = append(list, fmt.Sprint(entry))
	}
	return list
}

// configurationOf finds the files and settings in the arguments of an agent.
func configurationOf(args []string) (configs, sets list) {
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(strings.TrimPrefix(args[i], "-"), "=")
		if name != "-config" && name != "config" && name != "-set" && name != "set" {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				break
			}
			value = args[i]
		}
		if strings.HasSuffix(name, "config") {
			configs = append(configs, value)
		} else {
			sets = append(sets, value)
		}
	}
	return configs, sets
}

// isFile says whether a location is a file's name, and not another provider's.
func isFile(location string) bool {
	scheme, _, found := strings.Cut(location, ":")
	return !found || strings.Contains(scheme, "/")
}

// checkConfiguration looks at what validate cannot see: what refers to each other, and to this
// host. The configuration that it returns is empty where it cannot be read.
func checkConfiguration(ctx context.Context, o options, a agent) (*resolvedConfig, []finding) {
	none := &resolvedConfig{started: map[string][]string{}}
	if len(o.configs) == 0 && len(o.sets) == 0 {
		return none, []finding{{"configuration", Info, "", "none to check: no agent runs, and its package is not installed", "name the files: --config FILE"}}
	}
	for _, name := range o.configs {
		if isFile(name) {
			if f, refused := cannotOpen(name); refused {
				return none, []finding{f}
			}
		}
	}
	sources, findings := readSources(o.configs)
	if len(findings) > 0 {
		return none, findings
	}
	c, err := resolve(ctx, o.configs, o.sets)
	if err != nil {
		return none, []finding{{"configuration", Failure, "", err.Error(), "otelcol-facefusion validate says more"}}
	}
	if program := agentProgram(); program != "" {
		findings = validate(ctx, program, o, sources)
	}
	findings = append(findings, c.checkReferences()...)
	findings = append(findings, c.checkPipelines()...)
	findings = append(findings, c.checkFiles()...)
	findings = append(findings, c.checkFolders()...)
	findings = append(findings, c.checkListeners(ctx, filepath.Join(o.root, "proc"), a.pid)...)
	return c, append(findings, c.checkStores(ctx)...)
}

// cannotOpen says what is wrong with a file of the configuration. A FIFO is not opened: it would be
// empty for whoever reads it next.
func cannotOpen(name string) (finding, bool) {
	name = filepath.Clean(name)
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return finding{"configuration", Failure, name, "is no regular file, and can be read once at most", "write it to a file: it is read several times here"}, true
	}
	file, err := os.Open(name)
	if err == nil {
		return finding{}, file.Close() != nil
	}
	return finding{"configuration", Failure, name, err.Error(), fileRemedy(err, "a file that the agent's user may read: its folders need x, and the file r, for it (chown root:otelcol-facefusion, chmod 640)")}, true
}
