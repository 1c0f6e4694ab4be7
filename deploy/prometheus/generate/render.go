package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const written = "# Written by deploy/prometheus/generate: change its source or its config.yaml, and run `make generate`.\n"

// rules returns the files of one set of rules by name.
func rules(o options, override string) (map[string][]byte, error) {
	c, err := loadConfig(o.profile, override)
	if err != nil {
		return nil, err
	}
	texts, err := loadTexts(o.language)
	if err != nil {
		return nil, err
	}
	names, err := loadNaming(o.names)
	if err != nil {
		return nil, err
	}
	sources, err := filepath.Glob("source/*.yml")
	if err != nil {
		return nil, err
	}
	alerts, err := filepath.Glob("source/alerts/*.yml")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, source := range append(sources, alerts...) {
		name, err := filepath.Rel("source", source)
		if err != nil {
			return nil, err
		}
		files[name], err = file(source, c, texts, o.language, names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
	}
	return files, nil
}

// execute fills in the settings. Its delimiters occur neither in PromQL nor in Prometheus' own
// templates.
func execute(source string, c config) ([]byte, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	filled, err := template.New(source).Delims("<<", ">>").Option("missingkey=error").Funcs(template.FuncMap{
		"percent": percent, "budget": budget, "duration": duration,
	}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = filled.Execute(&out, map[string]any(c))
	return out.Bytes(), err
}

// file returns the content of one file of rules.
func file(source string, c config, texts map[string]message, language string, names *naming) ([]byte, error) {
	text, err := execute(source, c)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	groups := value(document.Content[0], "groups")
	if groups == nil {
		return nil, fmt.Errorf("it has no groups: %.200q", text)
	}
	for _, group := range groups.Content {
		if err := c.divide(value(group, "interval")); err != nil {
			return nil, err
		}
		for _, rule := range value(group, "rules").Content {
			if err := c.finish(rule, texts, language, names); err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	out.WriteString(written)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	return spaced(out.Bytes()), nil
}

// finish applies to a rule what all rules have in common.
func (c config) finish(rule *yaml.Node, texts map[string]message, language string, names *naming) error {
	expr := value(rule, "expr")
	scoped, err := c.scope(expr.Value)
	if err != nil {
		return err
	}
	expr.Value = scoped
	if err := c.hasten(rule); err != nil {
		return err
	}
	if name := value(rule, "alert"); name != nil {
		if err := c.annotate(name.Value, rule, texts, language); err != nil {
			return err
		}
	}
	if names == nil {
		return nil
	}
	return names.rename(rule)
}

// spaced restores the empty lines between rules and groups, which encoding YAML removes.
func spaced(text []byte) []byte {
	var out []string
	for line := range strings.Lines(string(text)) {
		begins := regexp.MustCompile(`^      (?:#|- alert:)|^  (?:#|- name:)`).MatchString(line)
		if n := len(out); begins && n > 0 && !strings.HasPrefix(strings.TrimSpace(out[n-1]), "#") && !strings.HasSuffix(out[n-1], "rules:\n") && !strings.HasSuffix(out[n-1], "groups:\n") {
			out = append(out, "\n")
		}
		out = append(out, line)
	}
	return []byte(strings.Join(out, ""))
}

// value returns the value of a key of a mapping; nil if there is none.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func set(mapping *yaml.Node, key, text string, style yaml.Style) {
	if old := value(mapping, key); old != nil {
		old.Value = text
		return
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: style})
}

func budget(objective float64) float64 { return math.Round((1-objective)*1e6) / 1e6 }

func percent(ratio float64) string {
	return strconv.FormatFloat(math.Round(ratio*1e6)/1e4, 'f', -1, 64) + " %"
}

// duration returns a duration in words.
func duration(seconds int) string {
	for _, unit := range []struct {
		seconds int
		name    string
	}{{3600, "hour"}, {60, "minute"}, {1, "second"}} {
		if seconds%unit.seconds == 0 && seconds >= unit.seconds {
			if n := seconds / unit.seconds; n != 1 {
				return fmt.Sprintf("%d %ss", n, unit.name)
			}
			return "1 " + unit.name
		}
	}
	return "0 seconds"
}
