package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLicences: a licence that allows it passes, another one and none are errors.
func TestLicences(t *testing.T) {
	own, err := os.ReadFile("../../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, refused string }{
		"allowed": {string(own), ""},
		"none":    {"All rights reserved.", "no licence that is known"},
		"another": {agpl, "may not be shipped"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			folder := filepath.Join(cache, "example.org", "a@v1.0.0")
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "LICENSE"), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			before := goFolders
			goFolders = func() ([]string, error) { return []string{cache, cache}, nil }
			defer func() { goFolders = before }()
			m := module{path: "example.org/a", version: "v1.0.0"}
			err := m.readLicences()
			switch {
			case c.refused == "" && err != nil:
				t.Fatal(err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
				t.Fatalf("%v, not %q", err, c.refused)
			}
		})
	}
}

// agpl is how a program says that it is under the AGPL.
const agpl = `This program is free software: you can redistribute it and/or modify it under the terms of the
GNU Affero General Public License as published by the Free Software Foundation, either version 3 of
the License, or (at your option) any later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without
even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU Affero
General Public License for more details.

You should have received a copy of the GNU Affero General Public License along with this program. If
not, see <https://www.gnu.org/licenses/>.
`
