package docs

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// testName is one that a document names, in quotes of code.
	testName = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`")
	// testFile is the file of tests that a document names.
	testFile = regexp.MustCompile("`([a-z0-9_/]+_test\\.go)`")
	declared = regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)
)

// Every test that a document names exists.
func TestTestsThatAreNamedExist(t *testing.T) {
	tests, files := map[string]bool{}, map[string]bool{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "node_modules" || name == "bin" || name == "dist" || (strings.HasPrefix(name, ".") && name != "." && name != "..") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		files[filepath.Base(path)] = true
		files[filepath.ToSlash(strings.TrimPrefix(path, "../../"))] = true
		for _, m := range declared.FindAllSubmatch(text, -1) {
			tests[string(m[1])] = true
		}
		return err
	}))
	require.Greater(t, len(tests), 500)
	documents, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	decisions, err := filepath.Glob("../../docs/decisions/*.md")
	require.NoError(t, err)
	named := 0
	for _, document := range append(documents, decisions...) {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, m := range testName.FindAllSubmatch(text, -1) {
			named++
			require.True(t, tests[string(m[1])], "%s names %s, which there is not", document, m[1])
		}
		for _, m := range testFile.FindAllSubmatch(text, -1) {
			require.True(t, files[string(m[1])], "%s names %s, which there is not", document, m[1])
		}
	}
	require.Greater(t, named, 40)
}

// TestEachThreatHasATest: every row of the table of security.md names one.
func TestEachThreatHasATest(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	_, table, found := bytes.Cut(text, []byte("| who | can | cannot | test |\n|---|---|---|---|\n"))
	require.True(t, found)
	rows := 0
	for line := range strings.Lines(string(table)) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		require.Len(t, cells, 4, line)
		// That what is named exists, TestTestsThatAreNamedExist says. A package alone is no test.
		require.True(t, testName.MatchString(cells[3]) || testFile.MatchString(cells[3]), "no test is named: %s", line)
		rows++
	}
	require.GreaterOrEqual(t, rows, 11)
}
