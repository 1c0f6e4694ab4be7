package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"
)

// lints are the findings of Prometheus' own linter, in the words of docs/names.md.
var lints = map[string]*regexp.Regexp{
	"suffix _count of no histogram": regexp.MustCompile(`non-histogram and non-summary metrics should not have "_count" suffix`),
	"suffix _total of no counter":   regexp.MustCompile(`non-counter metrics should not have "_total" suffix`),
	"abbreviated unit":              regexp.MustCompile(`abbreviated units`),
	"type in the name":              regexp.MustCompile(`should not include type`),
	"base unit":                     regexp.MustCompile(`use base unit`),
}

// baseUnits are the suffixes of the units that Prometheus' rules name, and ours without one.
var baseUnits = map[string]string{
	"s": "seconds", "By": "bytes", "Cel": "celsius", "J": "joules", "1": "ratio",
}

// TestDeviationsFromPrometheus: docs/names.md has each name that deviates from Prometheus' rules.
func TestDeviationsFromPrometheus(t *testing.T) {
	var found []string
	for name, m := range loadMetadata(t).Metrics {
		kind, family := otlptranslator.MetricType(otlptranslator.MetricTypeGauge), dto.MetricType_GAUGE
		switch m.instrument() {
		case "counter":
			kind, family = otlptranslator.MetricTypeMonotonicCounter, dto.MetricType_COUNTER
		case "updowncounter":
			kind = otlptranslator.MetricTypeNonMonotonicCounter
		}
		translated := translate(t, name, m.Unit, kind)
		problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{{Name: &translated, Help: &m.Description, Type: &family, Metric: []*dto.Metric{{}}}}).Lint()
		require.NoError(t, err)
		for _, problem := range problems {
			found = append(found, translated+": "+inOurWords(t, problem.Text))
		}
		if _, ok := baseUnits[m.Unit]; !ok && !countable.MatchString(m.Unit) {
			found = append(found, translated+": unit "+m.Unit)
		}
		if strings.Contains(m.Description, "since 1970") && !strings.HasSuffix(translated, "_timestamp_seconds") {
			found = append(found, translated+": timestamp")
		}
	}
	slices.Sort(found)
	require.Equal(t, documentedDeviations(t, "\n## What deviates from Prometheus' rules\n"), slices.Compact(found))
}

func inOurWords(t *testing.T, text string) string {
	t.Helper()
	for words, pattern := range lints {
		if pattern.MatchString(text) {
			return words
		}
	}
	require.Fail(t, "the linter says what docs/names.md has no words for", strings.TrimSpace(text))
	return ""
}
