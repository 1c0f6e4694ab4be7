package chart

import (
	"testing"

	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// violations returns what PodSecurity admission forbids of a pod at a level.
func violations(t *testing.T, level api.Level, template core.PodTemplateSpec) []string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	results := evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, &template.ObjectMeta, &template.Spec)
	return policy.AggregateCheckResults(results).ForbiddenReasons
}

// The table of the chart's README: which values violate the level baseline, and by what.
func TestPodSecurityOfTheChart(t *testing.T) {
	files := valuesFiles(t)
	for name, c := range map[string]struct {
		values map[string]any
		want   []string
	}{
		"nothing but hostPID": {map[string]any{"visibility": "same-user", "hostRoot": map[string]any{"enabled": false}}, []string{"host namespaces"}},
		// The volume-mount form of GPU access is a mount of /dev/null.
		"same-user":  {files["same-user"], []string{"host namespaces", "hostPath volumes"}},
		"no-gpu":     {files["no-gpu"], []string{"host namespaces", "hostPath volumes"}},
		"default":    {files["default"], []string{"host namespaces", "hostPath volumes", "non-default capabilities"}},
		"privileged": {files["privileged"], []string{"host namespaces", "hostPath volumes", "non-default capabilities", "privileged"}},
	} {
		t.Run(name, func(t *testing.T) {
			rendered, err := render(t, c.values)
			require.NoError(t, err)
			template := only[*apps.DaemonSet](t, rendered).Spec.Template
			require.Empty(t, violations(t, api.LevelPrivileged, template))
			require.ElementsMatch(t, c.want, violations(t, api.LevelBaseline, template))
		})
	}
}

func TestSidecarIsRestricted(t *testing.T) {
	deployment := only[*apps.Deployment](t, objects(t, read(t, "../../deploy/kubernetes/sidecar.yaml")))
	require.Empty(t, violations(t, api.LevelRestricted, deployment.Spec.Template))
	require.True(t, *deployment.Spec.Template.Spec.ShareProcessNamespace)
}

// Capabilities are given to the variant of the image that can use them, and to no other.
func TestVisibility(t *testing.T) {
	for visibility, want := range map[string]struct {
		image string
		added []core.Capability
		user  int64
	}{
		"full":      {"otelcol-facefusion:0.1.0-capabilities", []core.Capability{"SYS_PTRACE", "DAC_READ_SEARCH"}, 10001},
		"same-user": {"otelcol-facefusion:0.1.0", nil, 1000},
		"basic":     {"otelcol-facefusion:0.1.0", nil, 10001},
	} {
		t.Run(visibility, func(t *testing.T) {
			rendered, err := render(t, map[string]any{"visibility": visibility})
			require.NoError(t, err)
			container := only[*apps.DaemonSet](t, rendered).Spec.Template.Spec.Containers[0]
			require.Equal(t, want.image, container.Image)
			require.Equal(t, want.added, container.SecurityContext.Capabilities.Add)
			require.Equal(t, want.user, *container.SecurityContext.RunAsUser)
			require.False(t, *container.SecurityContext.AllowPrivilegeEscalation)
			require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
		})
	}
}
