package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/template"
)

//go:embed reference.md.tmpl
var referenceParts string

var (
	heading = regexp.MustCompile(`(?m)^(##|###) (.+)$`)
	table   = regexp.MustCompile(`(?m)^\| Unit \|`)
)

// complete adds to the reference that mdatagen has just written what mdatagen knows nothing of: a
// table of contents, the name of each metric in Prometheus, and the histograms.
func complete(file string, declared *declarations) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if bytes.Contains(text, []byte("\n## Histograms\n")) {
		return fmt.Errorf("%s is complete already: 'make generate' has mdatagen write it anew first", file)
	}
	whole, err := withNames(string(text), declared.prometheusNames())
	if err != nil {
		return err
	}
	parsed, err := template.New("reference").Parse(referenceParts)
	if err != nil {
		return err
	}
	var histograms, contents strings.Builder
	if err := parsed.ExecuteTemplate(&histograms, "histograms", declared.histograms()); err != nil {
		return err
	}
	whole, err = before(whole, "## Default Events", histograms.String())
	if err != nil {
		return err
	}
	if err := parsed.ExecuteTemplate(&contents, "contents", headings(whole)); err != nil {
		return err
	}
	whole, err = before(whole, "## Default Metrics", contents.String())
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(whole), 0o644)
}

// before puts a part before the one line that is a heading.
func before(text, heading, part string) (string, error) {
	if strings.Count(text, "\n"+heading+"\n") != 1 {
		return "", errors.New("mdatagen's reference has not one " + heading)
	}
	return strings.Replace(text, "\n"+heading+"\n", "\n"+part+heading+"\n", 1), nil
}

// withNames says the name in Prometheus before the table of each metric that has one.
func withNames(text string, names map[string]string) (string, error) {
	var out strings.Builder
	places := heading.FindAllStringIndex(text, -1)
	out.WriteString(text[:places[0][0]])
	for i, place := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		section := text[place[0]:end]
		title := strings.TrimLeft(text[place[0]:place[1]], "# ")
		if name, ok := names[title]; ok {
			if !table.MatchString(section) {
				return "", fmt.Errorf("%s has no table in mdatagen's reference", title)
			}
			section = table.ReplaceAllString(section, "In Prometheus: `"+name+"`\n\n| Unit |")
			delete(names, title)
		}
		out.WriteString(section)
	}
	for name := range names {
		return "", fmt.Errorf("mdatagen's reference has no %s", name)
	}
	return out.String(), nil
}

// titled is a heading of the second level with those below it.
type titled struct {
	Title string
	Below []titled
}

func headings(text string) (all []titled) {
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		if match[1] == "##" {
			all = append(all, titled{Title: match[2]})
			continue
		}
		last := &all[len(all)-1]
		last.Below = append(last.Below, titled{Title: match[2]})
	}
	return all
}

// Anchor is what forges make of a heading.
func (t titled) Anchor() string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(t.Title), ".", ""), " ", "-")
}
