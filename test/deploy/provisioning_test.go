package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// installed is where docs/dashboards.md says that deploy/grafana goes.
const installed = "/etc/grafana/facefusion"

func TestProvisionedDataSources(t *testing.T) {
	var file struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, URL string
			JSONData             struct {
				TimeInterval string `yaml:"timeInterval"`
				TracesToLogs struct {
					DatasourceUID string `yaml:"datasourceUid"`
				} `yaml:"tracesToLogsV2"`
				DerivedFields []struct {
					MatcherRegex  string `yaml:"matcherRegex"`
					DatasourceUID string `yaml:"datasourceUid"`
					URL           string
				} `yaml:"derivedFields"`
				ExemplarTraceIDDestinations []struct {
					Name          string
					DatasourceUID string `yaml:"datasourceUid"`
				} `yaml:"exemplarTraceIdDestinations"`
			} `yaml:"jsonData"`
		}
	}
	read(t, grafana+"/provisioning/datasources/facefusion.yml", &file)
	require.Equal(t, 1, file.APIVersion)
	types := map[string]string{}
	for _, d := range file.Datasources {
		types[d.UID] = d.Type
	}
	require.Equal(t, map[string]string{"prometheus": "prometheus", "jaeger": "jaeger", "loki": "loki"}, types)

	// The collector writes the id of the trace under this name, and Prometheus scrapes at this
	// interval.
	prometheusSource := file.Datasources[0].JSONData
	require.Len(t, prometheusSource.ExemplarTraceIDDestinations, 1)
	require.Equal(t, "trace_id", prometheusSource.ExemplarTraceIDDestinations[0].Name)
	require.Equal(t, "jaeger", types[prometheusSource.ExemplarTraceIDDestinations[0].DatasourceUID])
	// From a trace to its events, and from an event to its trace.
	require.Equal(t, "loki", types[file.Datasources[1].JSONData.TracesToLogs.DatasourceUID])
	fields := file.Datasources[2].JSONData.DerivedFields
	require.Len(t, fields, 1)
	require.Equal(t, "trace_id", fields[0].MatcherRegex)
	require.Equal(t, "jaeger", types[fields[0].DatasourceUID])
	require.Equal(t, "$${__value.raw}", fields[0].URL)
	var scraped struct {
		Global struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		}
	}
	read(t, prometheus+"/prometheus.yml", &scraped)
	require.Equal(t, scraped.Global.ScrapeInterval, prometheusSource.TimeInterval)
}

func TestProvisionedDashboards(t *testing.T) {
	var file struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	read(t, grafana+"/provisioning/dashboards/facefusion.yml", &file)
	require.Len(t, file.Providers, 1)
	require.Equal(t, "file", file.Providers[0].Type)
	folder, ok := strings.CutPrefix(file.Providers[0].Options.Path, installed)
	require.True(t, ok, file.Providers[0].Options.Path)
	require.NotEmpty(t, glob(t, filepath.Join(grafana, folder, "*.json")))

	page, err := os.ReadFile("../../docs/dashboards.md")
	require.NoError(t, err)
	require.Contains(t, string(page), installed)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, into), file)
}
