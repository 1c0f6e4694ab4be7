package configfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// SourceFile is a file of the configuration, as it is written.
type SourceFile struct {
	Name string
	Root *yaml.Node
}

// Error says where a file is no YAML, why, and what to do.
type Error struct{ Where, What, Remedy string }

// Error implements error.
func (e *Error) Error() string { return e.Where + ": " + e.What + ": " + e.Remedy }

// indentedByTab is a line whose indentation has a tab.
var indentedByTab = regexp.MustCompile(`(?m)^ *\t+ *\S`)

// lineOf finds the line in an error of the YAML parser.
var lineOf = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// Parse reads the text of a file. Its error is an *Error.
func Parse(name string, text []byte) (SourceFile, error) {
	source := SourceFile{Name: name, Root: new(yaml.Node)}
	if err := yaml.Unmarshal(text, source.Root); err != nil {
		return SourceFile{}, explain(name, text, err)
	}
	return source, nil
}

// explain says what is wrong with a text that the YAML parser refuses.
func explain(name string, text []byte, err error) *Error {
	if at := indentedByTab.FindIndex(text); at != nil {
		line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
		return &Error{fmt.Sprintf("%s:%d", name, line), "is indented by a tab", "indent it by spaces: YAML takes no tabs there"}
	}
	where, what := name, err.Error()
	if m := lineOf.FindStringSubmatch(what); m != nil {
		where, what = name+":"+m[1], m[2]
	}
	return &Error{where, "is no YAML: " + what, "look at the line, and at those around it: an indentation, a quote, a bracket or a colon"}
}

var word = regexp.MustCompile(`[A-Za-z0-9_./-]*[A-Za-z0-9_]`)

// Locate finds the key that a message is about: of those that it names, the one on whose way it
// names most. Of several files the last counts, as for the agent. It returns "" where there is
// none.
func Locate(sources []SourceFile, message string) string {
	named := word.FindAllString(message, -1)
	best, where := 0, ""
	for _, s := range slices.Backward(sources) {
		for _, document := range s.Root.Content {
			walk(document, 0, named, func(line, score int) {
				if score > best {
					best, where = score, s.Name+":"+strconv.Itoa(line)
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

// Value is what stands below keys in a file; nil where nothing does.
func (s SourceFile) Value(keys ...string) *yaml.Node {
	var node *yaml.Node
	if len(s.Root.Content) > 0 {
		node = s.Root.Content[0]
	}
	for _, key := range keys {
		_, node = entry(node, key)
	}
	return node
}

// entry finds a key in a map, and what stands below it; nil where it is not there.
func entry(node *yaml.Node, key string) (at, below *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// Where is the line in which a key stands in the last file that has it; "" where none does.
func Where(sources []SourceFile, keys ...string) string {
	for _, s := range slices.Backward(sources) {
		if at, _ := entry(s.Value(keys[:len(keys)-1]...), keys[len(keys)-1]); at != nil {
			return s.Name + ":" + strconv.Itoa(at.Line)
		}
	}
	return ""
}
