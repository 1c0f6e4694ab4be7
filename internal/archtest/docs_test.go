package archtest

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryPackageSaysWhatBelongsThere: in its doc.go and nowhere else, so that a reader who opens
// a folder knows where to begin.
func TestEveryPackageSaysWhatBelongsThere(t *testing.T) {
	fset := token.NewFileSet()
	for _, p := range packages(t) {
		if strings.Contains(p.dir, "internal/metadata") {
			continue // mdatagen's
		}
		files, err := filepath.Glob(filepath.Join(root, p.dir, "*.go"))
		require.NoError(t, err)
		var doc string
		for _, name := range files {
			file, err := parser.ParseFile(fset, name, nil, parser.PackageClauseOnly|parser.ParseComments)
			require.NoError(t, err)
			switch text := file.Doc.Text(); {
			case filepath.Base(name) == "doc.go":
				doc = text
			case text != "" && !strings.HasPrefix(filepath.Base(name), "generated_"):
				t.Errorf("%s describes its package: that belongs in doc.go", name)
			}
		}
		assert.FileExists(t, filepath.Join(root, p.dir, "doc.go"))
		assert.GreaterOrEqual(t, len(strings.Fields(doc)), 20, "%s: doc.go says too little: what belongs there?", p.dir)
	}
}

// TestTheDesignSpeaksOfWhatExists: an identifier that a design.md has in backquotes is one of its
// package, of those below it, or of what it names with a package.
func TestTheDesignSpeaksOfWhatExists(t *testing.T) {
	all := packages(t)
	for _, dir := range []string{"internal/gpu", "internal/jobqueue"} {
		text, err := os.ReadFile(filepath.Join(root, dir, "design.md"))
		require.NoError(t, err)
		known := map[string]bool{}
		for _, p := range all {
			if p.dir != dir && !strings.HasPrefix(p.dir, dir+"/") {
				continue
			}
			known[filepath.Base(p.dir)] = true
			files, err := filepath.Glob(filepath.Join(root, p.dir, "*.go"))
			require.NoError(t, err)
			for _, name := range files {
				known[filepath.Base(name)] = true
			}
			for _, d := range p.declarations {
				known[d.name] = true
			}
		}
		for _, quoted := range backquoted.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			for _, name := range identifier.FindAllString(quoted[1], -1) {
				assert.True(t, known[name] || designWords[name], "%s/design.md speaks of %q, which its packages do not declare", dir, name)
			}
		}
	}
}

var (
	fenced     = regexp.MustCompile("(?s)```.*?```")
	backquoted = regexp.MustCompile("`([^`\\n]+)`")
	identifier = regexp.MustCompile(`[A-Za-z_]+(\.go|\.md)?\b`)
)

// designWords are what a design quotes that is no identifier: folders of FaceFusion, values of
// attributes, the language.
var designWords = map[string]bool{
	"nil": true, "IsZero": true, "share_unresponsive": true,
	"doc.go": true, "docs": true, "jobs.md": true,
}
