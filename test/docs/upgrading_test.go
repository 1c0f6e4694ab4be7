package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// contract is the part of the contract with users that can be read from files.
type contract struct {
	Attributes map[string]struct {
		Enum []string `mapstructure:"enum"`
	} `mapstructure:"attributes"`
	Metrics map[string]struct {
		Unit       string         `mapstructure:"unit"`
		Sum        map[string]any `mapstructure:"sum"`
		Attributes []string       `mapstructure:"attributes"`
	} `mapstructure:"metrics"`
	Events map[string]struct {
		Attributes []string `mapstructure:"attributes"`
	} `mapstructure:"events"`
	Telemetry struct {
		Metrics map[string]any `mapstructure:"metrics"`
	} `mapstructure:"telemetry"`
}

// TestEveryOldNameIsInUpgrading: what the released version had (testdata/released.txt) and this one
// has not, or not so, is in docs/upgrading.md by its old name.
func TestEveryOldNameIsInUpgrading(t *testing.T) {
	page := read(t, "../../docs/upgrading.md")
	gone := missing(t)
	require.Contains(t, gone, "nvidia_gpu_performance_state_ratio", "else the comparison sees nothing")
	require.Contains(t, gone, "service_version", "else the comparison sees nothing")
	for _, name := range gone {
		require.Contains(t, page, "`"+name+"`", "docs/upgrading.md does not say what became of it")
	}
}

// TestWhatIsChosenNowIsInUpgrading: what config/more-attributes.yaml switches on again was there by
// default in the released version.
func TestWhatIsChosenNowIsInUpgrading(t *testing.T) {
	page := read(t, "../../docs/upgrading.md")
	var more struct {
		Receivers struct {
			FaceFusion struct {
				Metrics map[string]struct {
					Attributes []string `mapstructure:"attributes"`
				} `mapstructure:"metrics"`
			} `mapstructure:"facefusion"`
		} `mapstructure:"receivers"`
	}
	unmarshal(t, "../../config/more-attributes.yaml", &more)
	require.NotEmpty(t, more.Receivers.FaceFusion.Metrics)
	for name, metric := range more.Receivers.FaceFusion.Metrics {
		for _, used := range append(metric.Attributes, name) {
			require.Contains(t, page, "`"+used+"`", "docs/upgrading.md does not say that it is chosen now")
		}
	}
}

// missing are the names of the released version that are not there any more.
func missing(t *testing.T) (gone []string) {
	t.Helper()
	var now contract
	unmarshal(t, "../../receiver/facefusionreceiver/metadata.yaml", &now)
	histograms := declarations(t, "../../receiver/facefusionreceiver/internal", `Name:\s+"([a-z.]+)",\s+Unit:`)
	settings := declarations(t, "../../receiver/facefusionreceiver", `mapstructure:"([a-z_.]+)`)
	rules := declarations(t, "../../deploy/prometheus/rules", `(?m)^ +- (?:alert|record): (\S+)`)
	labels := regexp.MustCompile(`(?m)^target_info\{.*`).FindString(read(t, "../e2e/testdata/metrics.txt"))
	require.NotEmpty(t, labels)

	for line := range strings.Lines(read(t, "testdata/released.txt")) {
		words := strings.Fields(line)
		is := true
		switch words[0] {
		case "metric":
			otel, prometheus, instrument, unit, attributes := words[1], words[2], words[3], words[4], words[5]
			metric, ok := now.Metrics[otel]
			switch {
			case instrument == "histogram":
				is = slices.Contains(histograms, otel)
			case !ok:
				is = false
			default:
				is = metric.Unit == unit && kind(metric.Sum) == instrument
				for attribute := range strings.SplitSeq(attributes, ",") {
					if attribute != "-" && !slices.Contains(metric.Attributes, attribute) {
						gone = append(gone, attribute)
					}
				}
			}
			if !is {
				gone = append(gone, otel)
			}
			words[1] = prometheus
		case "label":
			is = strings.Contains(labels, words[1]+`="`)
		case "value":
			values := now.Attributes[words[1]].Enum
			if is = len(values) == 0 || slices.Contains(values, words[2]); !is {
				words[1] = words[2]
			}
		case "event":
			event, ok := now.Events[words[1]]
			is = ok
			for attribute := range strings.SplitSeq(words[2], ",") {
				if attribute != "-" && ok && !slices.Contains(event.Attributes, attribute) {
					gone = append(gone, attribute)
				}
			}
		case "own":
			_, is = now.Telemetry.Metrics[strings.TrimPrefix(words[1], "otelcol_")]
		case "alert", "record":
			is = slices.Contains(rules, words[1])
		case "setting":
			is = slices.Contains(settings, words[1])
		default:
			require.Equal(t, "#", words[0])
		}
		if !is {
			gone = append(gone, words[1])
		}
	}
	return gone
}

func kind(sum map[string]any) string {
	switch monotonic := fmt.Sprint(sum["monotonic"]); {
	case sum == nil:
		return "gauge"
	case monotonic == "true":
		return "counter"
	default:
		return "updowncounter"
	}
}

// declarations are what an expression finds in the files below a folder, tests and generated ones
// left out.
func declarations(t *testing.T, folder, pattern string) (found []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "generated") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(content), -1) {
			found = append(found, match[1])
		}
		return err
	}))
	require.NotEmpty(t, found, folder)
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}

func unmarshal(t *testing.T, file string, into any) {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(read(t, file)))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	require.NoError(t, conf.Unmarshal(into, confmap.WithIgnoreUnused()))
}
