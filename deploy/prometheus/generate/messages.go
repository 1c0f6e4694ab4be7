package main

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// message is the text of an alert in a notification.
type message struct {
	Summary, Description string
}

// loadTexts returns the texts of a language by alert. Those in English are in the rules.
func loadTexts(language string) (map[string]message, error) {
	if language == "en" {
		return nil, nil
	}
	text, err := os.ReadFile(language + ".yml")
	if err != nil {
		return nil, fmt.Errorf("the language %q: %w", language, err)
	}
	var texts map[string]message
	return texts, yaml.Unmarshal(text, &texts)
}

// annotate adds the texts, the links and the labels of the installation to an alert.
func (c config) annotate(name string, rule *yaml.Node, texts map[string]message, language string) error {
	annotations := value(rule, "annotations")
	if texts != nil {
		text, ok := texts[name]
		if !ok || text.Summary == "" || text.Description == "" {
			return fmt.Errorf("%s has no text in %s", name, language)
		}
		set(annotations, "summary", text.Summary, 0)
		set(annotations, "description", text.Description, 0)
	}
	board := "facefusion-overview"
	for i := 0; i+1 < len(annotations.Content); i += 2 {
		if annotations.Content[i].Value == "dashboard" {
			board = annotations.Content[i+1].Value
			annotations.Content = append(annotations.Content[:i], annotations.Content[i+2:]...)
			break
		}
	}
	if language != "en" {
		board += "-" + language
	}
	set(annotations, "dashboard_url", c.text("grafana")+"/d/"+board+"{{ with $labels.host_name }}?var-host={{ . }}{{ end }}{{ with $labels.service_instance_id }}&var-instance={{ . }}{{ end }}", yaml.DoubleQuotedStyle)
	set(annotations, "runbook_url", c.text("runbooks")+name+".md", 0)
	if more, _ := c["labels"].(map[string]any); len(more) > 0 {
		for _, key := range sortedKeys(more) {
			set(value(rule, "labels"), key, fmt.Sprint(more[key]), yaml.DoubleQuotedStyle)
		}
	}
	return nil
}

// messages returns the Alertmanager template of a language, and its path in deploy/.
func messages(language string) (name string, content []byte, err error) {
	all, err := readConfig("messages.yml")
	if err != nil {
		return "", nil, err
	}
	settings, ok := all[language].(map[string]any)
	if !ok {
		return "", nil, fmt.Errorf("no words of %q", language)
	}
	content, err = execute("messages.tmpl", settings)
	folder := "alertmanager/templates"
	if language != "en" {
		folder += "-" + language
	}
	note := "{{/* Written by deploy/prometheus/generate: change messages.yml there, for example for another time zone, and run `make generate`. */}}\n"
	return folder + "/facefusion.tmpl", append([]byte(note), content...), err
}
