package chart

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

const chartFolder = "../../deploy/helm/otelcol-facefusion"

// render returns the objects that the chart makes of values, as Helm would send them to a cluster.
func render(t *testing.T, values map[string]any) ([]object, error) {
	t.Helper()
	text, err := renderText(t, values)
	if err != nil {
		return nil, err
	}
	return objects(t, text), nil
}

// renderText is render as text.
func renderText(t *testing.T, values map[string]any) (string, error) {
	t.Helper()
	return renderFrom(t, chartFolder, values)
}

// renderFrom is renderText of the chart at a path, a folder or an archive.
func renderFrom(t *testing.T, path string, values map[string]any) (string, error) {
	t.Helper()
	chart, err := loader.Load(path)
	require.NoError(t, err)

	install := action.NewInstall(new(action.Configuration))
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace = "agent", "monitoring"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.34.2", Major: "1", Minor: "34"}
	release, err := install.Run(chart, values)
	if err != nil {
		return "", err
	}
	return release.Manifest, nil
}

// valuesFiles returns the values that users start from, by the name of their file.
func valuesFiles(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartFolder, "ci", "*-values.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 5)

	all := make(map[string]map[string]any, len(files))
	for _, file := range files {
		values, err := chartutil.ReadValuesFile(file)
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = values
	}
	return all
}

func TestLint(t *testing.T) {
	for name, values := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			lint := action.NewLint()
			lint.Strict = true
			result := lint.Run([]string{chartFolder}, values)
			require.Empty(t, result.Errors)
			require.Equal(t, 1, result.TotalChartsLinted)
		})
	}
}

// The defaults of values.yaml and each file of ci/ give objects that the types of Kubernetes know,
// down to the last field.
func TestRender(t *testing.T) {
	want := map[string][]string{
		"default":    {"ConfigMap", "DaemonSet", "ServiceAccount"},
		"same-user":  {"ConfigMap", "DaemonSet", "ServiceAccount"},
		"no-gpu":     {"ConfigMap", "DaemonSet", "ServiceAccount"},
		"privileged": {"ConfigMap", "DaemonSet", "ServiceAccount"},
		"everything": {"ClusterRole", "ClusterRoleBinding", "ConfigMap", "DaemonSet", "NetworkPolicy", "PodMonitor", "PrometheusRule", "ServiceAccount"},
	}
	for name, values := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			rendered, err := render(t, values)
			require.NoError(t, err)
			require.Equal(t, want[name], kinds(rendered))
		})
	}
}

// The archive of a release holds what the folder links to: it renders the same.
func TestArchive(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "chart.tgz")
	pack := exec.Command("../../.ci/archive.sh", archive, filepath.Dir(chartFolder), filepath.Base(chartFolder))
	pack.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1")
	output, err := pack.CombinedOutput()
	require.NoError(t, err, "%s", output)

	for name, values := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			want, err := renderText(t, values)
			require.NoError(t, err)
			got, err := renderFrom(t, archive, values)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// All that is in deploy/kubernetes as objects is decoded as strictly.
func TestManifests(t *testing.T) {
	want := map[string][]string{
		"sidecar.yaml":          {"ConfigMap", "Deployment"},
		"inside.yaml":           {"Deployment"},
		"pod-monitor.yaml":      {"PodMonitor"},
		"prometheus-rules.yaml": {"PrometheusRule"},
		"autoscaling-hpa.yaml":  {"HorizontalPodAutoscaler"},
		"autoscaling-keda.yaml": {"ScaledObject"},
		"operator-sidecar.yaml": {"OpenTelemetryCollector"},
	}
	files, err := filepath.Glob("../../deploy/kubernetes/*.yaml")
	require.NoError(t, err)
	seen := map[string][]string{}
	for _, file := range files {
		if filepath.Base(file) == "upstream-chart-values.yaml" {
			continue // values of another project's chart, no object
		}
		seen[filepath.Base(file)] = kinds(objects(t, read(t, file)))
	}
	require.Equal(t, want, seen)
}

func read(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(text)
}
