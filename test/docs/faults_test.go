package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryFaultHasATest: each line of the table of faults names tests, and each of them exists,
// with the case of it that is named.
func TestEveryFaultHasATest(t *testing.T) {
	page := read(t, "../../docs/reliability.md")
	_, table, found := strings.Cut(page, "\n## Faults\n")
	require.True(t, found)
	tests := testsOfTheRepository(t)
	require.Greater(t, len(tests), 500, "the tests were not found")
	faults := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "fault" {
			continue
		}
		fault := strings.TrimSpace(cells[1])
		assert.False(t, faults[fault], "%q is there twice", fault)
		faults[fault] = true
		names := quoted.FindAllStringSubmatch(cells[2], -1)
		assert.NotEmpty(t, names, "%q has no test", fault)
		for _, name := range names {
			if strings.HasPrefix(name[1], "deploy/") {
				assert.FileExists(t, filepath.Join("../..", name[1]))
				continue
			}
			test, part, _ := strings.Cut(name[1], "/")
			if assert.NotEmpty(t, tests[test], "%q: there is no %s", fault, test) && part != "" {
				assert.True(t, hasCase(t, tests[test], test, part), "%q: %s has no case %q", fault, test, part)
			}
		}
	}
	require.Greater(t, len(faults), 70, "the table was not read")
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	function = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)\(`)
)

// testsOfTheRepository are the files of each test, whatever its build tags and its module.
func testsOfTheRepository(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."
		if entry.IsDir() && (hidden || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range function.FindAllStringSubmatch(string(text), -1) {
			tests[match[1]] = append(tests[match[1]], path)
		}
		return nil
	})
	require.NoError(t, err)
	return tests
}

// hasCase reports whether a test has a case of that name: a string of its function, or a script of
// its folder.
func hasCase(t *testing.T, files []string, test, name string) bool {
	t.Helper()
	for _, file := range files {
		scripts, err := filepath.Glob(filepath.Join(filepath.Dir(file), "testdata", "*", name+".txt"))
		require.NoError(t, err)
		if len(scripts) > 0 {
			return true
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == test && quotes(f, name) {
				return true
			}
		}
	}
	return false
}

// quotes reports whether some string of the function is that text.
func quotes(f *ast.FuncDecl, text string) bool {
	found := false
	ast.Inspect(f, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			found = found || err == nil && value == text
		}
		return true
	})
	return found
}
