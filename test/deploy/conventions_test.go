package deploy

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conventions are OpenTelemetry's, from testdata/conventions.txt.
type conventions struct {
	// metrics are instrument, unit and attributes by name.
	metrics    map[string][]string
	attributes map[string]bool
	values     map[string][]string
	namespaces []string
}

func loadConventions(t *testing.T) conventions {
	t.Helper()
	content, err := os.ReadFile("testdata/conventions.txt")
	require.NoError(t, err)
	c := conventions{metrics: map[string][]string{}, attributes: map[string]bool{}, values: map[string][]string{}}
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(line)
		switch words[0] {
		case "metric":
			c.metrics[words[1]] = words[2:]
		case "attribute":
			c.attributes[words[1]] = true
		case "values":
			c.values[words[1]] = strings.Split(words[2], ",")
		case "namespaces":
			c.namespaces = words[1:]
		}
	}
	require.Greater(t, len(c.namespaces), 50)
	return c
}

// theirs reports whether a name is in a namespace of the conventions.
func (c *conventions) theirs(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return slices.Contains(c.namespaces, first)
}

// ofMetric are the deviations of a metric, each by the name of its rule.
func (c *conventions) ofMetric(name string, m declaredMetric) (rules []string) {
	if theirs, ok := c.metrics[name]; ok {
		if m.instrument() != theirs[0] {
			rules = append(rules, "instrument")
		}
		if m.Unit != theirs[1] {
			rules = append(rules, "unit")
		}
		for _, attribute := range m.Attributes {
			if !slices.Contains(strings.Split(theirs[2], ","), attribute) {
				rules = append(rules, "attribute "+attribute)
			}
		}
		return rules
	}
	if c.theirs(name) {
		rules = append(rules, "name")
	}
	return append(rules, byMeaning(name, m)...)
}

// countable is a unit that only names what is counted.
var countable = regexp.MustCompile(`^\{[a-z_]+\}$`)

// byMeaning returns violations of the conventions for custom names: singular where no countable
// things are counted, and words that imply an instrument.
func byMeaning(name string, m declaredMetric) (rules []string) {
	segments := strings.Split(name, ".")
	last := segments[len(segments)-1]
	for i, segment := range segments {
		switch {
		case !plural(segment):
		case i < len(segments)-1:
			rules = append(rules, "plural namespace")
		case m.instrument() != "counter" || !countable.MatchString(m.Unit):
			rules = append(rules, "plural")
		}
	}
	switch last {
	case "duration":
		rules = append(rules, "instrument") // none of metadata.yaml is a histogram
	case "time", "io":
		if m.instrument() != "counter" {
			rules = append(rules, "instrument")
		}
	case "usage", "limit":
		if m.instrument() != "updowncounter" {
			rules = append(rules, "instrument")
		}
	case "utilization":
		if m.Unit != "1" || m.instrument() != "gauge" {
			rules = append(rules, "unit")
		}
	case "total":
		rules = append(rules, "total")
	}
	return rules
}

func plural(segment string) bool {
	return strings.HasSuffix(segment, "s") && !regexp.MustCompile(`(ss|us|is)$`).MatchString(segment) && segment != "graphics"
}

// ofAttribute are the deviations of an attribute.
func (c *conventions) ofAttribute(name string, values []string) (rules []string) {
	switch {
	case !strings.Contains(name, "."):
		rules = append(rules, "no namespace")
	case c.theirs(name) && !c.attributes[name]:
		rules = append(rules, "name")
	}
	if known := c.values[name]; known != nil {
		for _, value := range values {
			if !slices.Contains(known, value) {
				rules = append(rules, "value "+value)
			}
		}
	}
	return rules
}

// TestDeviationsFromTheConventions: docs/names.md has each name that deviates from them, with the
// rule, and no other.
func TestDeviationsFromTheConventions(t *testing.T) {
	m, c := loadMetadata(t), loadConventions(t)
	var found []string
	for name, metric := range m.Metrics {
		for _, rule := range c.ofMetric(name, metric) {
			found = append(found, name+": "+rule)
		}
		for other := range m.Metrics {
			if strings.HasPrefix(other, name+".") && c.metrics[other] == nil {
				found = append(found, other+": below a metric")
			}
		}
	}
	for name, attribute := range m.Attributes {
		for _, rule := range c.ofAttribute(cmp.Or(attribute.NameOverride, name), attribute.Enum) {
			found = append(found, cmp.Or(attribute.NameOverride, name)+": "+rule)
		}
	}
	for name := range m.ResourceAttributes {
		for _, rule := range c.ofAttribute(name, nil) {
			found = append(found, name+": "+rule)
		}
	}
	slices.Sort(found)
	require.Equal(t, documentedDeviations(t, "\n## What deviates from the semantic conventions\n"), slices.Compact(found))
}

// documentedDeviations are the names and rules of a table of docs/names.md. A row may have several
// names, and several rules in its second column, which are those of each.
func documentedDeviations(t *testing.T, headline string) []string {
	t.Helper()
	var found []string
	for _, cells := range table(t, headline) {
		require.Len(t, cells, 3, "name, rule, why")
		require.NotEmpty(t, cells[2], "%s: no reason", cells[0])
		for name := range strings.SplitSeq(cells[0], ", ") {
			for rule := range strings.SplitSeq(cells[1], "; ") {
				found = append(found, strings.Trim(name, "`")+": "+strings.ReplaceAll(rule, "`", ""))
			}
		}
	}
	slices.Sort(found)
	return found
}
