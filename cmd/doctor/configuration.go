package main

import (
	"cmp"
	"context"
	"fmt"
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
	*configcheck.Configuration
	// refusals are those for which the agent would not start.
	refusals []configcheck.Refusal
}

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
	sources := configfile.Take()
	if err == nil {
		err = configcheck.Compose(ctx, conf, sources)
	}
	if err != nil {
		return nil, err
	}
	all := conf.ToStringMap()
	return &resolvedConfig{configcheck.NewConfiguration(all), configcheck.Refusals(all, sources)}, nil
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
	none := &resolvedConfig{Configuration: configcheck.NewConfiguration(nil)}
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
	if program := agentProgram(); len(c.refusals) > 0 {
		findings = c.refused()
	} else if program != "" {
		findings = validate(ctx, program, o, sources)
	}
	findings = append(findings, c.checkReferences()...)
	findings = append(findings, c.checkPipelines()...)
	findings = append(findings, c.checkFiles()...)
	findings = append(findings, c.checkFolders()...)
	findings = append(findings, c.checkListeners(ctx, filepath.Join(o.root, "proc"), a.pid)...)
	return c, append(findings, c.checkStores(ctx)...)
}

// refuses says that the setting at a path is one for which the agent would not start.
func (c *resolvedConfig) refuses(path string) bool {
	return slices.ContainsFunc(c.refusals, func(r configcheck.Refusal) bool { return r.Path == path })
}

// refused are the findings of what the agent refuses before it looks at the rest.
func (c *resolvedConfig) refused() (findings []finding) {
	for _, r := range c.refusals {
		where, detail := r.Where, r.Path+": "+r.What
		if where == "" {
			where, detail = r.Path, r.What
		}
		findings = append(findings, finding{"configuration", Failure, where, strings.TrimPrefix(detail, ": "), cmp.Or(r.Remedy, "correct it there; the names and their defaults are in the README")})
	}
	return findings
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
