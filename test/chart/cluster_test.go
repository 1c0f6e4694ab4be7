//go:build cluster

package chart

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// TestARealServerAcceptsAllObjects: what the chart makes of each file of values, and all of
// deploy/kubernetes, passes the server's own validation and admission, without a warning.
func TestARealServerAcceptsAllObjects(t *testing.T) {
	c := startCluster(t)
	for name, values := range valuesFiles(t) {
		t.Run("chart, "+name, func(t *testing.T) {
			manifest, err := renderText(t, values)
			require.NoError(t, err)
			c.accepts(t, "monitoring", manifest)
		})
	}
	files, err := filepath.Glob("../../deploy/kubernetes/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		if filepath.Base(file) == "upstream-chart-values.yaml" {
			continue // values of another project's chart, no object
		}
		t.Run(filepath.Base(file), func(t *testing.T) { c.accepts(t, "plain", read(t, file)) })
	}

	t.Run("a field that is none", func(t *testing.T) { c.refusesTypos(t) })
	t.Run("installed by Helm", func(t *testing.T) { c.installs(t, valuesFiles(t)["everything"]) })
}

func (c *cluster) refusesTypos(t *testing.T) {
	said, err := c.apply("plain", strings.Replace(read(t, "../../deploy/kubernetes/sidecar.yaml"), "shareProcessNamespace:", "shareProcessNamespaces:", 1))
	require.Error(t, err)
	require.Contains(t, said, `unknown field "spec.template.spec.shareProcessNamespaces"`)
}

// installs has Helm's own code install the chart for good, read it back, and remove it. A release
// is kept in one Secret, which has a limit: dashboards and rules are in it twice.
func (c *cluster) installs(t *testing.T, values map[string]any) {
	configuration := new(action.Configuration)
	require.NoError(t, configuration.Init(c.settings.RESTClientGetter(), "monitoring", "secret", t.Logf))
	chart, err := loader.Load(chartFolder)
	require.NoError(t, err)
	install := action.NewInstall(configuration)
	install.ReleaseName, install.Namespace = "agent", "monitoring"
	release, err := install.Run(chart, values)
	require.NoError(t, err)
	for _, of := range strings.Split("\n"+release.Manifest, "\n---") {
		if strings.TrimSpace(of) == "" {
			continue
		}
		said, err := c.kubectl(of, "get", "--namespace", "monitoring", "-f", "-", "-o", "name")
		require.NoError(t, err, said)
	}
	upgrade := action.NewUpgrade(configuration)
	upgrade.Namespace = "monitoring"
	_, err = upgrade.Run("agent", chart, map[string]any{"visibility": "same-user"})
	require.NoError(t, err)
	_, err = action.NewUninstall(configuration).Run("agent")
	require.NoError(t, err)
	said, err := c.kubectl("", "get", "--namespace", "monitoring", "daemonset,configmap,podmonitor,prometheusrule,networkpolicy", "-o", "name")
	require.NoError(t, err)
	require.NotContains(t, said, "agent")
}

// TestARealServerAdmitsPods: the sidecar's pod under PodSecurity restricted, those of the chart
// under privileged only, as docs/kubernetes.md says. A workload is warned of, and a pod refused.
func TestARealServerAdmitsPods(t *testing.T) {
	c := startCluster(t)
	sidecar := only[*apps.Deployment](t, objects(t, read(t, "../../deploy/kubernetes/sidecar.yaml"))).Spec.Template
	c.accepts(t, "restricted", pod(t, sidecar))
	for name, values := range valuesFiles(t) {
		rendered, err := render(t, values)
		require.NoError(t, err)
		of := pod(t, only[*apps.DaemonSet](t, rendered).Spec.Template)
		c.accepts(t, "monitoring", of)
		for _, level := range []string{"restricted", "baseline"} {
			said, err := c.apply(level, of)
			require.Error(t, err, name)
			require.Contains(t, said, `violates PodSecurity "`+level+`:latest"`, name)
			require.Contains(t, said, `host namespaces (hostPID=true)`, name)
		}
	}
}

// pod is one that a controller makes of a template.
func pod(t *testing.T, template core.PodTemplateSpec) string {
	t.Helper()
	text, err := yaml.Marshal(core.Pod{
		TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: meta.ObjectMeta{Name: "one", Labels: template.Labels, Annotations: template.Annotations},
		Spec:       template.Spec,
	})
	require.NoError(t, err)
	return string(text)
}
