package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// documents quote figures, each between marks that say which one it is.
var documents = []string{"README.md", "README.zh-CN.md", "docs/performance.md"}

var quoted = regexp.MustCompile(`<!-- cost ([a-z-]+) -->[^<]*<!-- -->`)

// quote writes figures into the documents, where they stand between the marks of their name. Each
// has to be quoted somewhere: a mark that somebody has misspelt would keep what was measured once.
func quote(root string, figures map[string]string) error {
	unused := make(map[string]bool)
	for name := range figures {
		unused[name] = true
	}
	for _, document := range documents {
		file := filepath.Join(root, document)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		written := quoted.ReplaceAllFunc(text, func(found []byte) []byte {
			name := string(quoted.FindSubmatch(found)[1])
			value, known := figures[name]
			if !known {
				return found
			}
			delete(unused, name)
			return fmt.Appendf(nil, "<!-- cost %s -->%s<!-- -->", name, value)
		})
		if err := os.WriteFile(file, written, 0o644); err != nil {
			return err
		}
	}
	var names []string
	for name := range unused {
		names = append(names, name)
	}
	if slices.Sort(names); len(names) > 0 {
		return fmt.Errorf("no document quotes %v", names)
	}
	return nil
}
