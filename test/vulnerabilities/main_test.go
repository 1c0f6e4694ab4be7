package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entryOf writes an entry about a module, with a range of versions.
func entryOf(t *testing.T, folder, id, module, events, more string) string {
	t.Helper()
	path := filepath.Join(folder, id+".json")
	text := `{"id":"` + id + `","modified":"2026-0` + id[len(id)-1:] + `-01T00:00:00Z"` + more + `,"affected":[{"package":{"name":"` + module + `"},"ranges":[{"events":[` + events + `]}]}]}`
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestWhatConcernsTheseModules(t *testing.T) {
	folder := t.TempDir()
	files := []string{
		entryOf(t, folder, "GO-2026-8", "example.com/used", `{"introduced":"0"},{"fixed":"0.1.0"}`, ""),
		entryOf(t, folder, "GO-2026-1", "example.com/other", `{"introduced":"0"}`, ""),
		entryOf(t, folder, "GO-2026-2", "stdlib", `{"introduced":"0"},{"fixed":"1.25.9"},{"introduced":"1.26.0-0"},{"fixed":"1.26.2"}`, ""),
		entryOf(t, folder, "GO-2026-3", "stdlib", `{"introduced":"0"},{"fixed":"1.26.0"}`, ""),
		entryOf(t, folder, "GO-2026-4", "toolchain", `{"introduced":"0"}`, ""),
		entryOf(t, folder, "GO-2026-5", "example.com/used", `{"introduced":"0"}`, `,"withdrawn":"2026-05-02T00:00:00Z"`),
	}
	selected, err := selectEntries(files, map[string]bool{"example.com/used": true}, "1.26.0")
	require.NoError(t, err)
	require.NoError(t, write(selected, "2026-09-01T00:00:00Z", folder))
	written, err := filepath.Glob(filepath.Join(folder, "ID", "*"))
	require.NoError(t, err)
	var ids []string
	for _, path := range written {
		ids = append(ids, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	require.Equal(t, []string{"GO-2026-2", "GO-2026-4", "GO-2026-8"}, ids)
	text, err := os.ReadFile(filepath.Join(folder, "index", "modules.json"))
	require.NoError(t, err)
	require.JSONEq(t, `[{"path":"stdlib","vulns":[{"id":"GO-2026-2","modified":"2026-02-01T00:00:00Z"}]},
		{"path":"toolchain","vulns":[{"id":"GO-2026-4","modified":"2026-04-01T00:00:00Z"}]},
		{"path":"example.com/used","vulns":[{"id":"GO-2026-8","modified":"2026-08-01T00:00:00Z"}]}]`, string(text))
	text, err = os.ReadFile(filepath.Join(folder, "index", "db.json"))
	require.NoError(t, err)
	require.JSONEq(t, `{"modified":"2026-09-01T00:00:00Z"}`, string(text))
}

// TestTheCommittedEntriesAreIndexed: govulncheck reads an entry only if the index names it.
func TestTheCommittedEntriesAreIndexed(t *testing.T) {
	db := filepath.Join("..", "..", ".ci", "vulnerabilities", "db")
	text, err := os.ReadFile(filepath.Join(db, "index", "modules.json"))
	require.NoError(t, err)
	var modules []vulnerable
	require.NoError(t, json.Unmarshal(text, &modules))
	indexed := make(map[string]bool)
	for _, m := range modules {
		for _, v := range m.Vulns {
			indexed[v.ID] = true
			require.FileExists(t, filepath.Join(db, "ID", v.ID+".json"))
		}
	}
	files, err := filepath.Glob(filepath.Join(db, "ID", "GO-*.json"))
	require.NoError(t, err)
	require.Len(t, indexed, len(files))
	require.Greater(t, len(files), 100)
}
