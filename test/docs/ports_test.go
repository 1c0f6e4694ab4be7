package docs

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

const agent = "../../config/agent.yaml"

// TestNoPortIsTakenTwice: agent.yaml goes with each other file of config/, and with all that add a
// listener at once, beside a gateway. Hosts are not compared: 0.0.0.0 takes a port of all.
func TestNoPortIsTakenTwice(t *testing.T) {
	require.Len(t, listeners(t, agent), 3, "its page, its page about itself, its health")
	files, err := filepath.Glob("../../config/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		unique(t, file, listeners(t, agent, file))
	}
	host := listeners(t, agent, "../../config/all-signals.yaml", "../../config/otlp.yaml", "../../config/in-process.yaml", "../../config/in-process-scrape.yaml", "../../config/logs.yaml", "../../config/classic-names.yaml")
	for where, port := range listeners(t, "../../config/gateway.yaml") {
		host["gateway: "+where] = port
	}
	require.Greater(t, len(host), 11)
	used := unique(t, "a host", host)

	install, err := os.ReadFile("../../docs/install.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(install), "\n## Ports\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	for port, where := range used {
		require.Regexp(t, `(?m)^\|[^|]*\b`+port+`\b`, table, "docs/install.md does not have the port of %s", where)
	}

	own := regexp.MustCompile(`FACEFUSION_METRICS_LISTEN=[0-9.]+:([0-9]+)`)
	for _, page := range []string{"../../docs/inside.md", "../../instrumentation/README.md"} {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		examples := own.FindAllStringSubmatch(string(content), -1)
		require.NotEmpty(t, examples, page)
		for _, example := range examples {
			require.NotContains(t, used, example[1], "%s proposes a port that is taken", page)
		}
	}
}

// unique returns who listens at a port.
func unique(t *testing.T, of string, listeners map[string]string) map[string]string {
	t.Helper()
	at := map[string]string{}
	for where, port := range listeners {
		require.Empty(t, at[port], "%s: %s listens at port %s, too", of, where, port)
		at[port] = where
	}
	return at
}

// listeners are the ports of the files together, by where they are written.
func listeners(t *testing.T, files ...string) map[string]string {
	t.Helper()
	all := confmap.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		retrieved, err := confmap.NewRetrievedFromYAML(content)
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		require.NoError(t, all.Merge(conf))
	}
	ports := map[string]string{}
	find(t, "", all.ToStringMap(), ports)
	return ports
}

// environment is a variable with its default, which counts here.
var environment = regexp.MustCompile(`\$\{env:[A-Z_]+:-([^}]*)\}`)

func find(t *testing.T, where string, value any, ports map[string]string) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for i, entry := range v {
			find(t, fmt.Sprintf("%s[%d]", where, i), entry, ports)
		}
	case map[string]any:
		if port, ok := v["port"].(int); ok && v["host"] != nil {
			ports[where] = fmt.Sprint(port)
		}
		for key, entry := range v {
			find(t, where+"/"+key, entry, ports)
		}
		endpoint, _ := v["endpoint"].(string)
		endpoint = environment.ReplaceAllString(endpoint, "$1")
		if endpoint == "" || strings.Contains(endpoint, "://") {
			return // of a server
		}
		_, port, err := net.SplitHostPort(endpoint)
		require.NoError(t, err, where)
		ports[where] = port
	}
}
