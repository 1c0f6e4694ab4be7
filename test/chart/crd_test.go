package chart

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

// definition is a CustomResourceDefinition in a module that crds.mod pins: of the operators whose
// Go types would bring hundreds of modules.
type definition struct {
	module string
	file   string
}

var definitions = map[string]definition{
	"keda.sh/v1alpha1 ScaledObject":                   {"github.com/kedacore/keda/v2", "config/crd/bases/keda.sh_scaledobjects.yaml"},
	"opentelemetry.io/v1beta1 OpenTelemetryCollector": {"github.com/open-telemetry/opentelemetry-operator", "config/crd/bases/opentelemetry.io_opentelemetrycollectors.yaml"},
}

// decode validates a document as an API server with the definition would, and refuses what it would
// prune.
func (d definition) decode(t *testing.T, document string) map[string]any {
	t.Helper()
	var value map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(document), &value))
	structural, validator := d.schema(t, value["apiVersion"].(string))

	pruned := pruning.PruneWithOptions(value, structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	require.Empty(t, pruned, "fields that %s does not have", d.file)
	require.Empty(t, validation.ValidateCustomResource(nil, value, validator))
	return value
}

// schema returns the schema of one version of the definition.
func (d definition) schema(t *testing.T, apiVersion string) (*schema.Structural, validation.SchemaValidator) {
	t.Helper()
	var crd v1.CustomResourceDefinition
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(moduleFolder(t, d.module), d.file))), &crd))
	for _, version := range crd.Spec.Versions {
		if crd.Spec.Group+"/"+version.Name != apiVersion {
			continue
		}
		var internal apiextensions.JSONSchemaProps
		require.NoError(t, v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &internal, nil))
		structural, err := schema.NewStructural(&internal)
		require.NoError(t, err)
		validator, _, err := validation.NewSchemaValidator(&internal)
		require.NoError(t, err)
		return structural, validator
	}
	t.Fatalf("%s has no version %s", d.file, apiVersion)
	return nil, nil
}

// moduleFolder returns where the Go command keeps a module of crds.mod.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-modfile=crds.mod", "-json", module).Output()
	require.NoError(t, err, "%s", output)
	var downloaded struct{ Dir string }
	require.NoError(t, json.Unmarshal(output, &downloaded))
	return downloaded.Dir
}

// A field that a definition does not have is found, and so is a value of the wrong type.
func TestDefinitionsAreStrict(t *testing.T) {
	keda := definitions["keda.sh/v1alpha1 ScaledObject"]
	structural, validator := keda.schema(t, "keda.sh/v1alpha1")
	value := map[string]any{"spec": map[string]any{"minReplicas": int64(1), "triggers": "none"}}
	require.NotEmpty(t, validation.ValidateCustomResource(nil, value, validator))
	require.NotEmpty(t, pruning.PruneWithOptions(value, structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}))
}
