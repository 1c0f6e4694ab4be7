package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// vulnerable is a module of the index, in the format of the database (version 1).
type vulnerable struct {
	Path  string      `json:"path"`
	Vulns []reference `json:"vulns"`
}

type reference struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
}

// write writes the entries, as they are, and the two indexes that govulncheck reads. changed is
// when the whole database was.
func write(entries []entry, changed, to string) error {
	for _, folder := range []string{"ID", "index"} {
		if err := os.RemoveAll(filepath.Join(to, folder)); err != nil {
			return fmt.Errorf("remove database: %w", err)
		}
		if err := os.MkdirAll(filepath.Join(to, folder), 0o755); err != nil {
			return fmt.Errorf("make database: %w", err)
		}
	}
	for i := range entries {
		if err := os.WriteFile(filepath.Join(to, "ID", entries[i].ID+".json"), entries[i].text, 0o600); err != nil {
			return fmt.Errorf("write entry: %w", err)
		}
	}
	if err := writeJSON(filepath.Join(to, "index", "modules.json"), index(entries)); err != nil {
		return err
	}
	return writeJSON(filepath.Join(to, "index", "db.json"), map[string]string{"modified": changed})
}

// index lists the entries by module.
func index(entries []entry) (modules []vulnerable) {
	place := make(map[string]int)
	for i := range entries {
		e := &entries[i]
		seen := make(map[string]bool)
		for j := range e.Affected {
			path := e.Affected[j].Package.Name
			if seen[path] {
				continue
			}
			seen[path] = true
			at, there := place[path]
			if !there {
				at = len(modules)
				place[path] = at
				modules = append(modules, vulnerable{Path: path})
			}
			modules[at].Vulns = append(modules[at].Vulns, reference{e.ID, e.Modified})
		}
	}
	return modules
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}
