package configfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// OnTheCommandLine is where a setting stands that no file has: in --set, or in a location of
// another kind (yaml:, env:).
const OnTheCommandLine = "the command line (--set, yaml:)"

// Place is where the setting with these keys stands that counts: the file and line, or the command
// line. An entry of a list is "[0]". What is not there itself, or in no file, stands where what it
// belongs to does. It returns "" where that cannot be said.
func Place(sources []SourceFile, all map[string]any, keys ...string) string {
	for n := len(keys); n > 0; n-- {
		value, there := resolved(all, keys[:n])
		if !there {
			continue
		}
		for _, s := range slices.Backward(sources) {
			at, below := s.find(keys[:n])
			switch {
			case at == nil:
			case !sameValue(below, value):
				return OnTheCommandLine
			default:
				return s.Name + ":" + strconv.Itoa(at.Line)
			}
		}
		if n == len(keys) && len(sources) > 0 && !slices.ContainsFunc(sources, SourceFile.flattened) {
			return OnTheCommandLine
		}
	}
	return ""
}

// resolved is the value that keys lead to in the end.
func resolved(value any, keys []string) (any, bool) {
	for _, key := range keys {
		switch in := value.(type) {
		case map[string]any:
			below, there := in[key]
			if !there {
				return nil, false
			}
			value = below
		case []any:
			i, isIndex := indexOf(key)
			if !isIndex || i >= len(in) {
				return nil, false
			}
			value = in[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func indexOf(key string) (int, bool) {
	i, err := strconv.Atoi(strings.Trim(key, "[]"))
	return i, err == nil && strings.HasPrefix(key, "[")
}

// find returns the key, or the entry of a list, that keys lead to, and its value.
func (s SourceFile) find(keys []string) (at, below *yaml.Node) {
	below = s.Value()
	for _, key := range keys {
		if i, isIndex := indexOf(key); isIndex {
			if below == nil || below.Kind != yaml.SequenceNode || i >= len(below.Content) {
				return nil, nil
			}
			at, below = below.Content[i], below.Content[i]
		} else if at, below = entry(below, key); at == nil {
			return nil, nil
		}
	}
	return at, below
}

// sameValue says that what a file has is what counts. Maps of several files are merged, and what
// refers to the environment or to another file is another text in the end.
func sameValue(node *yaml.Node, value any) bool {
	var written any
	if node == nil || node.Kind == yaml.MappingNode || node.Decode(&written) != nil {
		return true
	}
	text := fmt.Sprint(written)
	return text == fmt.Sprint(value) || strings.Contains(text, "${") || written == nil
}

// flattened says that a file has keys of several levels in one, as a::b.
func (s SourceFile) flattened() bool { return flattened(s.Root) }

func flattened(node *yaml.Node) bool {
	if node.Kind == yaml.ScalarNode {
		return strings.Contains(node.Value, "::") || strings.Contains(node.Value, "${file:") || strings.Contains(node.Value, "${yaml:")
	}
	return slices.ContainsFunc(node.Content, flattened)
}
