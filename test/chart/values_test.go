package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// A wrong value is refused with its name.
func TestSchema(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]any
		want   string
	}{
		"typing error":    {map[string]any{"visiblity": "full"}, "visiblity"},
		"unknown choice":  {map[string]any{"visibility": "all"}, "visibility"},
		"unknown access":  {map[string]any{"gpu": map[string]any{"access": "device-plugin"}}, "access"},
		"privileged port": {map[string]any{"ports": map[string]any{"metrics": 80}}, "metrics"},
		"root":            {map[string]any{"user": map[string]any{"uid": 0}}, "uid"},
		"relative path":   {map[string]any{"storage": map[string]any{"path": "state"}}, "path"},
		"no account":      {map[string]any{"serviceAccount": map[string]any{"create": false}}, "serviceAccount.name"},
		"interval":        {map[string]any{"podMonitor": map[string]any{"interval": "15"}}, "interval"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, c.values)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// Every key of values.yaml is in the schema, and every key of the schema in values.yaml.
func TestSchemaIsWhole(t *testing.T) {
	var values map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder, "values.yaml"))), &values))
	var schema map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder, "values.schema.json"))), &schema))

	var compare func(path string, values, schema map[string]any)
	compare = func(path string, values, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for key := range properties {
			if path == "" && key == "global" {
				continue // Helm's own
			}
			require.Contains(t, values, key, "schema has %s%s", path, key)
		}
		for key, value := range values {
			require.Contains(t, properties, key, "values.yaml has %s%s", path, key)
			of := properties[key].(map[string]any)
			if inner, ok := value.(map[string]any); ok && of["properties"] != nil {
				compare(path+key+".", inner, of)
			}
		}
	}
	compare("", values, schema)
}

// The built collector accepts every configuration that the chart makes.
func TestConfiguration(t *testing.T) {
	for name, values := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			rendered, err := render(t, values)
			require.NoError(t, err)
			config := agentConfig(t, rendered)
			require.NotContains(t, config, "127.0.0.1:9464")
			require.NotContains(t, config, "127.0.0.1:13133")
			if name == "everything" {
				require.Contains(t, config, "k8s_attributes")
				require.Contains(t, config, "collection_interval: 30s")
				return // k8s_attributes is in the full build alone: full_test.go
			}
			validate(t, config)
		})
	}
}

func TestConfigurationOfTheOperatorsSidecar(t *testing.T) {
	var sidecar struct {
		Spec struct {
			Config map[string]any `json:"config"`
		} `json:"spec"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../../deploy/kubernetes/operator-sidecar.yaml")), &sidecar))
	config, err := yaml.Marshal(sidecar.Spec.Config)
	require.NoError(t, err)
	validate(t, string(config))
}

func TestConfigurationForTheUpstreamChart(t *testing.T) {
	var values struct {
		Command         struct{ Name string }
		AlternateConfig map[string]any `json:"alternateConfig"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../../deploy/kubernetes/upstream-chart-values.yaml")), &values))
	// The chart starts "/" and this. Where the image has the program, its entry point says.
	require.Contains(t, read(t, "../../.ci/package/image/main.go"), `Entrypoint: []string{"/`+values.Command.Name+`"}`)
	config, err := yaml.Marshal(values.AlternateConfig)
	require.NoError(t, err)
	validate(t, string(config))
}

// The rules in the cluster are those of deploy/prometheus, each group once.
func TestRulesAreThoseOfPrometheus(t *testing.T) {
	rendered, err := render(t, valuesFiles(t)["everything"])
	require.NoError(t, err)
	var got int
	for _, o := range rendered {
		if rule, ok := o.value.(*monitoring.PrometheusRule); ok {
			got += len(rule.Spec.Groups)
			require.Equal(t, "prometheus", rule.Labels["release"])
		}
	}
	var want int
	for _, pattern := range []string{"*.yml", "alerts/*.yml"} {
		files, err := filepath.Glob(filepath.Join("../../deploy/prometheus/rules", pattern))
		require.NoError(t, err)
		for _, file := range files {
			var rules monitoring.PrometheusRuleSpec
			require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &rules))
			want += len(rules.Groups)
		}
	}
	require.NotZero(t, want)
	require.Equal(t, want, got)
}

// A change of the configuration restarts the pods.
func TestChecksum(t *testing.T) {
	checksum := func(values map[string]any) string {
		rendered, err := render(t, values)
		require.NoError(t, err)
		return only[*apps.DaemonSet](t, rendered).Spec.Template.Annotations["checksum/config"]
	}
	plain := checksum(nil)
	require.Equal(t, plain, checksum(map[string]any{}))
	require.NotEqual(t, plain, checksum(map[string]any{"ports": map[string]any{"metrics": 9999}}))
}

// agentConfig returns the collector's configuration in the chart's config map.
func agentConfig(t *testing.T, rendered []object) string {
	t.Helper()
	for _, o := range rendered {
		if m, ok := o.value.(*core.ConfigMap); ok && m.Data["agent.yaml"] != "" {
			return m.Data["agent.yaml"]
		}
	}
	t.Fatal("no config map has agent.yaml")
	return ""
}

func validate(t *testing.T, config string) {
	t.Helper()
	validateWith(t, "../../bin/otelcol-facefusion", config)
}

// validateWith requires that a built collector accepts a configuration.
func validateWith(t *testing.T, program, config string) {
	t.Helper()
	_, err := os.Stat(program)
	require.NoError(t, err, "run make build first")
	// The state folder of the container is a folder of the test here.
	state := t.TempDir()
	config = strings.ReplaceAll(config, "/var/lib/otelcol-facefusion", state)
	config = strings.ReplaceAll(config, "root_path: /host", "root_path: /")
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))

	command := exec.CommandContext(t.Context(), program, "validate", "--config", file)
	command.Env = append(os.Environ(), "POD_IP=127.0.0.1", "NODE_NAME=node", "MY_POD_IP=127.0.0.1")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
}
