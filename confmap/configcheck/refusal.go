package configcheck

import (
	"cmp"
	"errors"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// Refusal is one thing for which the collector would not start.
type Refusal struct {
	// Where is the file and line, or the command line; empty where that is not known.
	Where string
	// Path has the keys that lead to it.
	Path string
	What string
	// Remedy may be part of What.
	Remedy string
}

// Error implements error.
func (r Refusal) Error() string {
	text := r.What
	if r.Path != "" {
		text = strings.ReplaceAll(r.Path, "::", ": ") + ": " + text
	}
	if r.Where != "" {
		text = r.Where + ": " + text
	}
	if r.Remedy != "" {
		text += ": " + r.Remedy
	}
	return text
}

// Refusals are all that is wrong with a configuration and can be known before it starts.
func Refusals(all map[string]any, sources []configfile.SourceFile) []Refusal {
	c := NewConfiguration(all)
	list := append(c.unknownSections(), c.receivers()...)
	list = append(list, c.brokenReferences()...)
	list = append(list, c.missingFiles()...)
	list = append(list, c.portClashes()...)
	for i := range list {
		keys := list[i].keys()
		list[i].Where = cmp.Or(configfile.Place(sources, all, keys...), configfile.Locate(sources, strings.Join(keys, " ")))
	}
	return list
}

// receivers are what ours do not understand of their settings, and the values that they refuse.
func (c *Configuration) receivers() (list []Refusal) {
	for _, component := range definedReceivers(c.All) {
		for _, line := range complaints(component.Settings) {
			list = append(list, Refusal{Path: component.String(), What: line})
		}
	}
	return list
}

// complaints are what the receiver does not understand of its settings, or else the values that it
// refuses.
func complaints(settings map[string]any) (list []string) {
	cfg := facefusionreceiver.NewFactory().CreateDefaultConfig()
	err := confmap.NewFromStringMap(settings).Unmarshal(cfg)
	if err == nil {
		err = confmap.Validate(cfg)
	}
	if err == nil {
		return nil
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "''"))
		if line != "" && !strings.HasPrefix(line, "decoding failed due to") {
			list = append(list, strings.ReplaceAll(entryOfList.ReplaceAllString(line, "[$1]::"), "::", ": "))
		}
	}
	return list
}

// entryOfList is how the Collector's validation names one.
var entryOfList = regexp.MustCompile(`::(\d+)::`)

// segment is a key at the beginning of a message, with what stands behind it.
var segment = regexp.MustCompile(`^([\w./-]+)((?:\[\d+\])*)(: | )`)

var index = regexp.MustCompile(`\[\d+\]`)

// keys are those of the path, and those that what is said of it begins with.
func (r Refusal) keys() []string {
	var keys []string
	if r.Path != "" {
		keys = strings.Split(r.Path, "::")
	}
	for text := r.What; r.Remedy == ""; {
		m := segment.FindStringSubmatch(text)
		if m == nil {
			break
		}
		keys = append(append(keys, m[1]), index.FindAllString(m[2], -1)...)
		if m[3] != ": " {
			break
		}
		text = text[len(m[0]):]
	}
	return keys
}

// refused joins all refusals to one error.
func refused(list []Refusal) error {
	errs := make([]error, 0, len(list))
	for _, r := range list {
		errs = append(errs, r)
	}
	return errors.Join(errs...)
}
