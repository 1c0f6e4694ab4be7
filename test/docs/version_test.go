package docs

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVersionIsOne: the Makefile holds the version, and every file that repeats it agrees. A
// release changes all of them together.
func TestVersionIsOne(t *testing.T) {
	makefile, err := os.ReadFile(repository + "/Makefile")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^VERSION := (.+)$`).FindSubmatch(makefile)
	require.NotNil(t, version)
	for file, pattern := range map[string]string{
		"builder-config.yaml":                                      `(?m)^  version: (\S+)`,
		"builder-config.full.yaml":                                 `(?m)^  version: (\S+)`,
		"deploy/helm/otelcol-facefusion/Chart.yaml":                `(?m)^(?:version|appVersion): (\S+)$`,
		"instrumentation/pyproject.toml":                           `(?m)^version = "(\S+)"$`,
		"deploy/kubernetes/sidecar.yaml":                           `image: otelcol-facefusion:(\S+)`,
		"deploy/kubernetes/operator-sidecar.yaml":                  `image: otelcol-facefusion:(\S+)`,
		"deploy/kubernetes/upstream-chart-values.yaml":             `tag: (\S+)-capabilities`,
		"deploy/kubernetes/inside.yaml":                            `(?:observability-|observability:)([0-9][^-\s]*)`,
		"deploy/stack/compose.yaml":                                `image: otelcol-facefusion:(\S+)`,
		"deploy/serverless/Containerfile":                          `AGENT=otelcol-facefusion:(\S+)`,
		"deploy/container/Containerfile":                           `-t otelcol-facefusion:(\S+)`,
		"deploy/container/facefusion.compose.yaml":                 `otelcol-facefusion:([0-9.]+)`,
		"deploy/helm/otelcol-facefusion/ci/everything-values.yaml": `tag: (\S+)-full`,
		"docs/serverless.md":                                       `otelcol-facefusion:([0-9.]+)`,
		"docs/install.md":                                          `otelcol-facefusion:([0-9.]+)`,
		"docs/install.zh-CN.md":                                    `otelcol-facefusion:([0-9.]+)`,
		"docs/inside.md":                                           `facefusion_observability-([0-9.]+)-`,
	} {
		text, err := os.ReadFile(repository + "/" + file)
		require.NoError(t, err)
		found := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
		assert.NotEmpty(t, found, "%s repeats no version", file)
		for _, match := range found {
			assert.Equal(t, string(version[1]), string(match[1]), "version in %s", file)
		}
	}
}
