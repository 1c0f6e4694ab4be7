package chart

import (
	"errors"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// object is one document of a manifest, decoded into its own type.
type object struct {
	kind  string
	value any
}

// types has the type of every kind that is shipped, by apiVersion and kind.
var types = map[string]func() any{
	"v1 ConfigMap":                                    func() any { return new(core.ConfigMap) },
	"v1 ServiceAccount":                               func() any { return new(core.ServiceAccount) },
	"apps/v1 DaemonSet":                               func() any { return new(apps.DaemonSet) },
	"apps/v1 Deployment":                              func() any { return new(apps.Deployment) },
	"rbac.authorization.k8s.io/v1 ClusterRole":        func() any { return new(rbac.ClusterRole) },
	"rbac.authorization.k8s.io/v1 ClusterRoleBinding": func() any { return new(rbac.ClusterRoleBinding) },
	"networking.k8s.io/v1 NetworkPolicy":              func() any { return new(networking.NetworkPolicy) },
	"monitoring.coreos.com/v1 PodMonitor":             func() any { return new(monitoring.PodMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule":         func() any { return new(monitoring.PrometheusRule) },
	"autoscaling/v2 HorizontalPodAutoscaler":          func() any { return new(autoscaling.HorizontalPodAutoscaler) },
}

// objects decodes all documents of a manifest; a field that its type does not have fails the test,
// and so does a kind of which no type is known.
func objects(t *testing.T, manifest string) []object {
	t.Helper()
	var all []object
	for document := range strings.SplitSeq("\n"+manifest, "\n---") {
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &head))
		if head.Kind == "" {
			continue // nothing but comments
		}
		if crd, ok := definitions[head.APIVersion+" "+head.Kind]; ok {
			all = append(all, object{head.Kind, crd.decode(t, document)})
			continue
		}
		of := types[head.APIVersion+" "+head.Kind]
		require.NotNil(t, of, "no type for %s %s", head.APIVersion, head.Kind)
		value := of()
		require.NoError(t, decodeStrict(document, value), "%s:\n%s", head.Kind, document)
		all = append(all, object{head.Kind, value})
	}
	return all
}

// decodeStrict decodes as an API server does: names are case-sensitive, which encoding/json's are
// not, and an unknown or a double field is an error.
func decodeStrict(document string, into any) error {
	data, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		return err
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	return errors.Join(append(strict, err)...)
}

// kinds returns the kinds of objects, each once and in order.
func kinds(all []object) []string {
	var names []string
	for _, o := range all {
		names = append(names, o.kind)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// only returns the one object of type T.
func only[T any](t *testing.T, all []object) T {
	t.Helper()
	var found []T
	for _, o := range all {
		if v, ok := o.value.(T); ok {
			found = append(found, v)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// An unknown field is found: the check can fail.
func TestStrict(t *testing.T) {
	err := decodeStrict("spec: {template: {spec: {hostPid: true}}}", new(apps.DaemonSet))
	require.ErrorContains(t, err, "hostPid")
}

// TestAnnotationsHoldObjects: kubectl apply keeps a copy of an object in an annotation of it.
func TestAnnotationsHoldObjects(t *testing.T) {
	manifest, err := renderText(t, valuesFiles(t)["everything"])
	require.NoError(t, err)
	for document := range strings.SplitSeq("\n"+manifest, "\n---") {
		json, err := yaml.YAMLToJSON([]byte(document))
		require.NoError(t, err)
		require.Less(t, len(json), 256<<10-1000, "%.200s", document)
	}
}

// TestDashboardsAreThoseOfTheRepository: the config maps have the same dashboards, in one line
// each.
func TestDashboardsAreThoseOfTheRepository(t *testing.T) {
	rendered, err := render(t, valuesFiles(t)["everything"])
	require.NoError(t, err)
	found := 0
	for _, o := range rendered {
		of, ok := o.value.(*core.ConfigMap)
		if !ok || of.Labels["grafana_dashboard"] == "" {
			continue
		}
		for name, text := range of.Data {
			require.JSONEq(t, read(t, "../../deploy/grafana/dashboards/"+name), text, name)
			found++
		}
	}
	require.Equal(t, 5, found)
}
