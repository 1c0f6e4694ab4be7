package deploy

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const classicConfig = "../../config/classic-names.yaml"

// makers records which parts make a name, in the order of the columns of docs/names.md.
type makers [4]bool

const (
	inside = iota
	agent
	classic
	recorded
)

// TestWhoMakesWhichName compares docs/names.md with what makes the names: the Python package, the
// receiver, config/classic-names.yaml and the rules.
func TestWhoMakesWhichName(t *testing.T) {
	documented := map[string]makers{}
	for _, cells := range table(t, "\n## Who makes which name\n") {
		var m makers
		require.Len(t, cells, 1+len(m))
		for i, cell := range cells[1:] {
			m[i] = cell != "no"
		}
		require.NotContains(t, documented, cells[0], "two rows")
		documented[strings.Trim(cells[0], "`")] = m
	}
	require.Equal(t, made(t), documented)
}

// TestNoNameIsMadeTwice: what deploy/prometheus/prometheus.yml scrapes and its rules bring each
// name to a host once. It does not scrape the page of classic names, whose names are in the rules.
func TestNoNameIsMadeTwice(t *testing.T) {
	config := loadScrapes(t)
	dropped := regexp.MustCompile("^(?:" + config.dropped(t, "facefusion-inside") + ")$")
	guarded := map[string]bool{}
	for _, rule := range rules(t) {
		guarded[rule.Record] = strings.Contains(rule.Expr, `unless on (host_name) up{job="facefusion-inside"}`)
	}
	for name, m := range made(t) {
		var by []string
		if m[inside] && !dropped.MatchString(name) && !guarded[name] {
			by = append(by, "the inside")
		}
		if m[agent] {
			by = append(by, "the agent")
		}
		if m[recorded] {
			by = append(by, "a rule")
		}
		require.LessOrEqual(t, len(by), 1, "%s comes from %v", name, by)
	}
	for _, scrape := range config.ScrapeConfigs {
		// The last two have names of their own only.
		require.Contains(t, []string{"facefusion", "facefusion-collector", "facefusion-inside", "prometheus", "alertmanager"}, scrape.JobName, "a page whose names docs/names.md does not have")
	}
	for _, file := range glob(t, prometheus+"/targets/*") {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(content), ":9091", "%s: rules/classic-names.yml makes the names of that page", file)
	}
}

// The value of device is gpu_0 from every source.
func TestDeviceIsTheRecipes(t *testing.T) {
	for _, rule := range rules(t) {
		if strings.Contains(rule.Expr, `"device"`) {
			require.Contains(t, rule.Expr, `"device", "gpu_$1", "hw_name", "GPU (.+)"`, rule.Record)
		}
	}
	for file, want := range map[string]string{
		classicConfig: `replace_pattern(datapoint.attributes["device"], "GPU ", "gpu_")`,
		"../../instrumentation/src/facefusion_observability/gpu.py": `f"gpu_{index}"`,
	} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(content), want, file)
	}
}

// made are all names that the inside, the page of classic names or a rule makes, without those that
// only the inside can make.
func made(t *testing.T) map[string]makers {
	t.Helper()
	all := map[string]makers{}
	add := func(by int, names []string) {
		for _, name := range names {
			m := all[name]
			m[by] = true
			all[name] = m
		}
	}
	add(inside, namesIn(t, "../../instrumentation/src/facefusion_observability/metrics.py", `(?:Counter|Gauge|Histogram|gauge)\(\s*"([a-z_]+)"`, func(name string) string {
		if name == "http_requests" {
			return name + "_total" // the client's library adds it to counters
		}
		return name
	}))
	add(classic, namesIn(t, classicConfig, `(?:set\(metric\.name, |copy_metric\(name=)"([a-z_]+)"`, nil))
	for _, rule := range rules(t) {
		if rule.Record != "" && !strings.Contains(rule.Record, ":") {
			add(recorded, []string{rule.Record})
		}
	}
	ours := declared(t)
	add(agent, slices.DeleteFunc(slices.Collect(maps.Keys(all)), func(name string) bool {
		_, ok := ours[name]
		return !ok
	}))
	return all
}

func namesIn(t *testing.T, file, pattern string, whole func(string) string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var names []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(content), -1) {
		name := match[1]
		if whole != nil {
			name = whole(name)
		}
		names = append(names, name)
	}
	require.GreaterOrEqual(t, len(names), 5, file)
	return names
}

// table are the cells of the table of docs/names.md behind a headline, row by row.
func table(t *testing.T, headline string) [][]string {
	t.Helper()
	content, err := os.ReadFile("../../docs/names.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(content), headline)
	require.True(t, found, headline)
	section, _, _ = strings.Cut(section, "\n## ")
	_, lines, found := strings.Cut(section, "|---|")
	require.True(t, found, headline)
	var rows [][]string
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	require.NotEmpty(t, rows, headline)
	return rows
}

// scrapes is what counts here of prometheus.yml.
type scrapes struct {
	ScrapeConfigs []struct {
		JobName              string `yaml:"job_name"`
		MetricRelabelConfigs []struct {
			SourceLabels []string `yaml:"source_labels"`
			Regex        string
			Action       string
		} `yaml:"metric_relabel_configs"`
	} `yaml:"scrape_configs"`
}

func loadScrapes(t *testing.T) scrapes {
	t.Helper()
	content, err := os.ReadFile(prometheus + "/prometheus.yml")
	require.NoError(t, err)
	var s scrapes
	require.NoError(t, yaml.Unmarshal(content, &s))
	return s
}

// dropped is the expression of names that are dropped of a job.
func (s *scrapes) dropped(t *testing.T, job string) string {
	t.Helper()
	for _, scrape := range s.ScrapeConfigs {
		for _, relabel := range scrape.MetricRelabelConfigs {
			if scrape.JobName == job && relabel.Action == "drop" && slices.Equal(relabel.SourceLabels, []string{"__name__"}) {
				return relabel.Regex
			}
		}
	}
	require.Fail(t, "nothing is dropped of "+job)
	return ""
}
