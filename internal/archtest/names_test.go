package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// declaration is an identifier as it is declared: a type, function, method, field, variable,
// constant or parameter.
type declaration struct {
	name string
	// kind is "type", "func" and the like. owner is the type of a field or method, and empty for
	// what belongs to the package.
	kind, owner string
	local       bool // to a function
	file        string
}

// parsed is one package of the repository: the files of one folder, without what is generated.
type parsed struct {
	dir          string
	declarations []declaration
}

// files parses every Go file of the repository, whatever its build tags and its module, by path.
func files(t *testing.T) map[string]*ast.File {
	t.Helper()
	byPath := map[string]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_") || slices.Contains([]string{"node_modules", "distribution", "bin"}, entry.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasPrefix(entry.Name(), "generated_") {
			return nil
		}
		byPath[path], err = parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		return err
	})
	require.NoError(t, err)
	return byPath
}

// packages are the files by folder.
func packages(t *testing.T) []parsed {
	t.Helper()
	parsedFiles := files(t)
	byDir := map[string]*parsed{}
	for _, path := range slices.Sorted(maps.Keys(parsedFiles)) {
		dir, err := filepath.Rel(root, filepath.Dir(path))
		require.NoError(t, err)
		dir = filepath.ToSlash(dir)
		if byDir[dir] == nil {
			byDir[dir] = &parsed{dir: dir}
		}
		byDir[dir].declarations = append(byDir[dir].declarations, declarations(parsedFiles[path], path)...)
	}
	require.Greater(t, len(byDir), 30, "the repository was not found")
	var all []parsed
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		all = append(all, *byDir[dir])
	}
	return all
}

// declarations are those of one file.
func declarations(file *ast.File, path string) (all []declaration) {
	add := func(kind, owner string, local bool, names ...*ast.Ident) {
		for _, name := range names {
			if name != nil && name.Name != "_" {
				all = append(all, declaration{name: name.Name, kind: kind, owner: owner, local: local, file: path})
			}
		}
	}
	fields := func(kind, owner string, local bool, list *ast.FieldList) {
		if list != nil {
			for _, field := range list.List {
				add(kind, owner, local, field.Names...)
			}
		}
	}
	var visit func(local bool, owner string) func(ast.Node) bool
	visit = func(local bool, owner string) func(ast.Node) bool {
		return func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				add("func", receiverType(n), false, n.Name)
				fields("parameter", "", true, n.Recv)
				fields("parameter", "", true, n.Type.Params)
				fields("parameter", "", true, n.Type.Results)
				if n.Body != nil {
					ast.Inspect(n.Body, visit(true, ""))
				}
				return false
			case *ast.FuncLit:
				fields("parameter", "", true, n.Type.Params)
				fields("parameter", "", true, n.Type.Results)
			case *ast.TypeSpec:
				add("type", "", local, n.Name)
				ast.Inspect(n.Type, visit(local, n.Name.Name))
				return false
			case *ast.StructType:
				fields("field", owner, local || owner == "", n.Fields)
			case *ast.InterfaceType:
				fields("func", owner, local || owner == "", n.Methods)
			case *ast.ValueSpec:
				add("value", "", local, n.Names...)
			case *ast.AssignStmt:
				if n.Tok == token.DEFINE {
					for _, expr := range n.Lhs {
						if name, ok := expr.(*ast.Ident); ok {
							add("value", "", true, name)
						}
					}
				}
			case *ast.RangeStmt:
				for _, expr := range []ast.Expr{n.Key, n.Value} {
					if name, ok := expr.(*ast.Ident); ok && n.Tok == token.DEFINE {
						add("value", "", true, name)
					}
				}
			}
			return true
		}
	}
	ast.Inspect(file, visit(false, ""))
	return all
}

// receiverType is the name of the type of a method, "" for a function.
func receiverType(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	name := ""
	ast.Inspect(f.Recv.List[0].Type, func(node ast.Node) bool {
		if ident, ok := node.(*ast.Ident); ok && name == "" {
			name = ident.Name
		}
		return name == ""
	})
	return name
}

// TestRetiredNames keeps identifiers that were renamed from coming back.
func TestRetiredNames(t *testing.T) {
	for _, p := range packages(t) {
		for _, d := range p.declarations {
			for _, r := range retired {
				if r.matches(p.dir, d) {
					t.Errorf("%s declares %s: %q is retired, %s", d.file, d.name, r.word, r.instead)
				}
			}
		}
	}
}

// word is a part of an identifier: an initialism like ID or GPU, or a part of jobFolder or GPULook.
// An initialism ends before the capital that begins the next word.
var word = regexp.MustCompile(`[A-Z]+[0-9]*s?$|[A-Z]?[a-z0-9]+|[A-Z]+`)

// words splits an identifier; regexp has no lookahead, so the last capital of an initialism is
// given back to the word that follows it.
func words(name string) []string {
	return word.FindAllString(initialism.ReplaceAllString(name, "${1}_$2"), -1)
}

// initialism is one before another word. A plural s belongs to it.
var initialism = regexp.MustCompile(`([A-Z]+)([A-Z][a-rt-z0-9]|[A-Z]s[a-z])`)

func (r retiredName) matches(dir string, d declaration) bool {
	if r.kind != "" && r.kind != d.kind {
		return false
	}
	if len(r.in) > 0 && !slices.ContainsFunc(r.in, func(prefix string) bool { return strings.HasPrefix(dir+"/", prefix+"/") }) {
		return false
	}
	if r.whole {
		return strings.EqualFold(d.name, r.word)
	}
	return slices.ContainsFunc(words(d.name), func(w string) bool { return strings.EqualFold(w, r.word) })
}

// TestOneTypeForOneName: two types of one name are two ideas that a reader takes for one, exported
// or not, shipped or for tests.
func TestOneTypeForOneName(t *testing.T) {
	owners := map[string][]string{}
	for _, p := range packages(t) {
		for _, d := range p.declarations {
			if d.kind == "type" && !d.local && !slices.Contains(owners[d.name], p.dir) {
				owners[d.name] = append(owners[d.name], p.dir)
			}
		}
	}
	for name, dirs := range owners {
		if len(dirs) > 1 && conventional[name] == "" {
			t.Errorf("%s is a type of %s: give all but one another name, or say in conventional why it is the field's", name, strings.Join(dirs, ", "))
		}
	}
	for name := range conventional {
		if len(owners[name]) < 2 {
			t.Errorf("conventional allows %s, which is not a type of several packages any more", name)
		}
	}
}

// TestNamesDifferByMoreThanACapital: Queue beside queue is a riddle.
func TestNamesDifferByMoreThanACapital(t *testing.T) {
	for _, p := range packages(t) {
		seen := map[string]declaration{}
		for _, d := range p.declarations {
			// A method that returns a field has its name: Go's getters have no Get.
			if d.local || d.kind == "field" || d.kind == "parameter" {
				continue
			}
			key := d.owner + "." + strings.ToLower(d.name)
			if other, ok := seen[key]; ok && other.name != d.name {
				t.Errorf("%s: %s %s and %s %s differ by a capital only", p.dir, other.kind, other.name, d.kind, d.name)
			}
			seen[key] = d
		}
	}
}
