package facefusionreceiver

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// TestReadmeHasEverySetting compares the tables of README.md with the configuration: each setting
// has a row with its default, and there is no row of a setting that does not exist.
func TestReadmeHasEverySetting(t *testing.T) {
	want := map[string]string{}
	addSettings(want, "", reflect.ValueOf(createDefaultConfig()).Elem())
	addSettings(want, "instances[].", reflect.ValueOf(InstanceConfig{}))
	addSettings(want, "instances[].match.", reflect.ValueOf(MatchConfig{}))
	health := &webprobe.HealthConfig{}
	require.NoError(t, health.Unmarshal(confmap.New()))
	addSettings(want, "instances[].health.", reflect.ValueOf(health).Elem())
	// documentation.md has these
	for _, generated := range []string{"metrics", "events", "resource_attributes"} {
		want[generated] = ""
	}

	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	got := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| ([^|]+) \\|").FindAllStringSubmatch(string(readme), -1) {
		got[row[1]] = strings.Trim(row[2], "`")
	}
	for name, value := range want {
		if assert.Contains(t, got, name, "README.md has no row for the setting %q", name) && value != "" {
			assert.Equal(t, value, got[name], "default of %q", name)
		}
	}
	for name := range got {
		assert.Contains(t, want, name, "README.md has a row for %q, which is no setting", name)
	}
}

// addSettings collects the project's own settings of a section with their defaults; "" where the
// default is an empty one. Of the Collector's HTTP client it takes what the project sets.
func addSettings(into map[string]string, prefix string, section reflect.Value) {
	for i := range section.NumField() {
		field, value := section.Type().Field(i), section.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case key == "-" || strings.HasSuffix(field.Type.PkgPath(), "/internal/metadata"):
		case field.Name == "ClientConfig":
			into[prefix+"timeout"] = readable(value.FieldByName("Timeout"))
			if prefix == "instances[].health." {
				into[prefix+"endpoint"] = ""
			}
		case strings.HasPrefix(options, "squash"):
			addSettings(into, prefix, value)
		case value.Kind() == reflect.Struct:
			addSettings(into, prefix+key+".", value)
		default:
			into[prefix+key] = readable(value)
		}
	}
}

func readable(value reflect.Value) string {
	if duration, ok := reflect.TypeAssert[time.Duration](value); ok {
		return regexp.MustCompile(`([hm])0[ms](0s)?$`).ReplaceAllString(duration.String(), "$1")
	}
	if value.Kind() != reflect.Bool && value.IsZero() {
		return ""
	}
	return fmt.Sprint(value.Interface())
}
