package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// configFile is a file of the configuration, as it is written.
type configFile struct {
	name string
	root *yaml.Node
}

// indentedByTab is a line whose indentation has a tab.
var indentedByTab = regexp.MustCompile(`(?m)^ *\t+ *\S`)

// lineOf finds the line in an error of the YAML parser.
var lineOf = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// readSources reads the files, and finds what is no YAML: the agent names neither file nor remedy.
func readSources(configs []string) (sources []configFile, findings []finding) {
	for _, name := range configs {
		if !isFile(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			continue // that was said
		}
		s := configFile{name: name, root: new(yaml.Node)}
		if err := yaml.Unmarshal(text, s.root); err != nil {
			findings = append(findings, noYAML(name, text, err))
			continue
		}
		sources = append(sources, s)
	}
	return sources, findings
}

func noYAML(name string, text []byte, err error) finding {
	if at := indentedByTab.FindIndex(text); at != nil {
		line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
		return finding{"configuration", Failure, fmt.Sprintf("%s:%d", name, line), "is indented by a tab", "indent it by spaces: YAML takes no tabs there"}
	}
	subject, detail := name, err.Error()
	if m := lineOf.FindStringSubmatch(detail); m != nil {
		subject, detail = name+":"+m[1], m[2]
	}
	return finding{"configuration", Failure, subject, "is no YAML: " + detail, "look at the line, and at those around it: an indentation, a quote, a bracket or a colon"}
}

var word = regexp.MustCompile(`[A-Za-z0-9_./-]*[A-Za-z0-9_]`)

// locate finds the key that a message is about: of those that it names, the one on whose way it
// names most. Of several files the last counts, as for the agent. It returns "" where there is
// none.
func locate(sources []configFile, message string) string {
	named := word.FindAllString(message, -1)
	best, where := 0, ""
	for _, s := range slices.Backward(sources) {
		for _, document := range s.root.Content {
			walk(document, 0, named, func(line, score int) {
				if score > best {
					best, where = score, s.name+":"+strconv.Itoa(line)
				}
			})
		}
	}
	return where
}

// walk visits each key that is named, with how many of those above it are.
func walk(node *yaml.Node, above int, named []string, visit func(line, score int)) {
	if node.Kind == yaml.SequenceNode {
		for _, entry := range node.Content {
			walk(entry, above, named, visit)
		}
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, score := node.Content[i], above
		if slices.Contains(named, key.Value) {
			score++
			visit(key.Line, score)
		}
		walk(node.Content[i+1], score, named, visit)
	}
}
