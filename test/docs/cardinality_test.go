package docs

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// The attributes of the histograms, which metadata.yaml cannot declare. `make series` compares the
// page with what a collector really shows.
var ofHistograms = []string{"facefusion.model", "facefusion.probe", "facefusion.processors", "http.response.status_code"}

// row is a line of a table that begins with an attribute.
var row = regexp.MustCompile("(?m)^\\| `([a-z][a-z0-9_.]*)`[^|]*\\|.*\\S.*\\|")

// TestEveryAttributeIsJustified compares metadata.yaml with docs/cardinality.md: a new attribute of
// a metric needs a documented reason, and a removed one must not stay there.
func TestEveryAttributeIsJustified(t *testing.T) {
	page, err := os.ReadFile("../../docs/cardinality.md")
	require.NoError(t, err)
	var justified []string
	for _, match := range row.FindAllStringSubmatch(string(page), -1) {
		justified = append(justified, match[1])
	}
	used := attributes(t)
	for _, name := range used {
		require.Contains(t, justified, name, "docs/cardinality.md does not say what values this attribute has, what bounds them, and why it is there")
	}
	for _, name := range justified {
		require.True(t, slices.Contains(used, name) || slices.Contains(histograms, name), "%s is an attribute of no metric any more", name)
	}
}

// histograms have rows in the table of what grows.
var histograms = []string{"facefusion.job.duration", "facefusion.job.wait.duration", "facefusion.step.duration"}

// attributes are those of resources, of the metrics of metadata.yaml, and of histograms.
func attributes(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("../../receiver/facefusionreceiver/metadata.yaml")
	require.NoError(t, err)
	retrieved, err := confmap.NewRetrievedFromYAML(content)
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	var metadata struct {
		Resource map[string]any `mapstructure:"resource_attributes"`
		Metrics  map[string]struct {
			Attributes []string `mapstructure:"attributes"`
		} `mapstructure:"metrics"`
	}
	require.NoError(t, conf.Unmarshal(&metadata, confmap.WithIgnoreUnused()))
	used := slices.Clone(ofHistograms)
	for name := range metadata.Resource {
		used = append(used, name)
	}
	for _, metric := range metadata.Metrics {
		used = append(used, metric.Attributes...)
	}
	require.Greater(t, len(used), 50)
	slices.Sort(used)
	return slices.Compact(used)
}

// TestSeriesOfAHostAreOneNumber: both READMEs say what the table of docs/cardinality.md comes to.
func TestSeriesOfAHostAreOneNumber(t *testing.T) {
	page := read(t, "../../docs/cardinality.md")
	number := func(row string) int {
		match := regexp.MustCompile(`(?m)^\| ` + row + `[^|]*\| \**([0-9,]+)`).FindStringSubmatch(page)
		require.NotNil(t, match, "docs/cardinality.md has no row %q", row)
		n, err := strconv.Atoi(strings.ReplaceAll(match[1], ",", ""))
		require.NoError(t, err)
		return n
	}
	all := number(`\*\*in all, 8 GPUs and 2 instances`)
	require.Equal(t, all, 8*number("each GPU")+2*number("each instance")+number("driver and collector")+number("the host itself"))
	for readme, says := range map[string]string{
		"../../README.md":       `([0-9,]+) series with eight GPUs and two instances`,
		"../../README.zh-CN.md": `八块 GPU、两个实例共 ([0-9,]+) 条时间序列`,
	} {
		match := regexp.MustCompile(says).FindStringSubmatch(read(t, readme))
		require.NotNil(t, match, "%s does not say how many series a host has", readme)
		require.Equal(t, strconv.Itoa(all), strings.ReplaceAll(match[1], ",", ""), readme)
	}
}
