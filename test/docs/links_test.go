package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// link is a relative link of Markdown, without its anchor.
var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

// documents returns all Markdown files of the repository.
func documents(t *testing.T) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && (strings.HasPrefix(name, ".") && name != ".." && name != ".github" || name == "node_modules" || name == "_build" || name == "dist"):
			return fs.SkipDir
		case !entry.IsDir() && filepath.Ext(name) == ".md":
			files = append(files, path)
		}
		return nil
	}))
	require.NotEmpty(t, files)
	return files
}

// TestLinksLeadSomewhere: each relative link of each document names a file or folder.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if target := match[1]; !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
				_, err := os.Stat(filepath.Join(filepath.Dir(file), target))
				assert.NoError(t, err, "%s links to %s", file, target)
			}
		}
	}
}

// TestIndexHasEveryDocument: docs/README.md lists each document of its folder.
func TestIndexHasEveryDocument(t *testing.T) {
	index, err := os.ReadFile(repository + "/docs/README.md")
	require.NoError(t, err)
	files, err := filepath.Glob(repository + "/docs/*.md")
	require.NoError(t, err)
	for _, file := range files {
		if name := filepath.Base(file); name != "README.md" {
			assert.True(t, strings.Contains(string(index), "("+name+")"), "docs/README.md does not list %s", name)
		}
	}
}
