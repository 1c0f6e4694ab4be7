//go:build linux && cgo

package nvmldriver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"
)

// parse parses the Go files of a folder without tests. Files with cgo parse like any other.
func parse(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NotEmpty(t, files)
	return files
}

func functions(files []*ast.File) (list []*ast.FuncDecl) {
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				list = append(list, fn)
			}
		}
	}
	return list
}

// nvmlMethods returns the names of go-nvml's methods on a library or a device.
func nvmlMethods() map[string]bool {
	names := make(map[string]bool)
	for _, t := range []reflect.Type{reflect.TypeFor[nvml.Interface](), reflect.TypeFor[nvml.Device]()} {
		for method := range t.Methods() {
			names[method.Name] = true
		}
	}
	// This method only looks up symbols.
	delete(names, "Extensions")
	return names
}

// calledName returns the name of the function or method that an expression calls.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// guards returns the methods that a function checks before a call: may("Method"), or
// exports["Method"].
func guards(fn *ast.FuncDecl) map[string]bool {
	found := make(map[string]bool)
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			found[strings.Trim(lit.Value, `"`)] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if calledName(n) == "may" {
				add(n.Args[0])
			}
		case *ast.IndexExpr:
			if x, ok := n.X.(*ast.SelectorExpr); ok && x.Sel.Name == "exports" {
				add(n.Index)
			}
		}
		return true
	})
	return found
}

func TestEveryCallIsGuardedAndInTheTable(t *testing.T) {
	methods, called := nvmlMethods(), make(map[string]bool)
	for _, fn := range functions(parse(t, ".")) {
		guarded := guards(fn)
		ast.Inspect(fn, func(n ast.Node) bool {
			// Not only calls: a method value would be called somewhere else.
			s, ok := n.(*ast.SelectorExpr)
			if !ok || !methods[s.Sel.Name] {
				return true
			}
			called[s.Sel.Name] = true
			// Init is looked up in the library before go-nvml loads it.
			if s.Sel.Name != "Init" && !guarded[s.Sel.Name] {
				t.Errorf("%s calls %s without asking whether the library has it", fn.Name.Name, s.Sel.Name)
			}
			return true
		})
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(symbols)), slices.Collect(maps.Keys(called)))
}

// Formatting a return code calls the library, so a code may only be passed to functions that use
// its number.
func TestReturnCodesAreNotFormatted(t *testing.T) {
	numeric := []string{"failure", "meaning", "outdated", "textOf", "int", "unknownField", "emptyList", "timedOut"}
	codes := 0
	for _, fn := range functions(parse(t, ".")) {
		ast.Inspect(fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				for _, arg := range n.Args {
					if id, ok := arg.(*ast.Ident); ok && id.Name == "code" {
						codes++
						require.Contains(t, numeric, calledName(n), "in %s", fn.Name.Name)
					}
				}
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && id.Name == "code" {
					t.Errorf("%s calls %s of a return code", fn.Name.Name, n.Sel.Name)
				}
			case *ast.AssignStmt:
				// The last of several results of go-nvml is the code. Under another name it would
				// escape the rule.
				call, ok := n.Rhs[0].(*ast.CallExpr)
				if last, isIdent := n.Lhs[len(n.Lhs)-1].(*ast.Ident); ok && isIdent && nvmlMethods()[calledName(call)] {
					require.Equal(t, "code", last.Name, "in %s", fn.Name.Name)
				}
			}
			return true
		})
	}
	require.NotZero(t, codes)
}

// TestTableIsWhatGoNVMLCalls follows every method of the table through the source of go-nvml down
// to the C functions.
func TestTableIsWhatGoNVMLCalls(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml/pkg/nvml").Output()
	require.NoError(t, err)
	b := bindings{to: make(map[string][]string), methods: make(map[string]*ast.FuncDecl)}
	b.read(parse(t, filepath.Clean(strings.TrimSpace(string(out)))))
	for method, names := range symbols {
		start := "nvmlDevice." + method
		switch method {
		case "GetTemperatureV":
			// It only returns an object whose method makes the call.
			start = "TemperatureHandler.V1"
		case "EventSetFree":
			start = "nvmlEventSet." + strings.TrimPrefix(method, "EventSet")
		case "GpmSampleFree", "GpmSampleGet", "GpmMigSampleGet":
			start = "nvmlGpmSample." + strings.Replace(strings.TrimPrefix(method, "Gpm"), "Sample", "", 1)
		}
		fn := b.methods[start]
		if fn == nil {
			fn = b.methods["library."+method]
		}
		require.NotNil(t, fn, method)
		found := make(map[string]bool)
		b.follow(fn.Body, found, make(map[string]bool))
		require.ElementsMatch(t, names, slices.Collect(maps.Keys(found)), method)
	}
}

// bindings maps names of a package to the C functions they stand for.
type bindings struct {
	// to is what a name may stand for: for a function the names in its body, for a variable
	// everything that is assigned to it.
	to      map[string][]string
	methods map[string]*ast.FuncDecl
}

func (b *bindings) read(files []*ast.File) {
	for _, fn := range functions(files) {
		if fn.Recv != nil {
			receiver := fn.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			b.methods[receiver.(*ast.Ident).Name+"."+fn.Name.Name] = fn
			ast.Inspect(fn, b.assignment)
			continue
		}
		b.to[fn.Name.Name] = append(b.to[fn.Name.Name], b.names(fn.Body)...)
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				ast.Inspect(g, b.assignment)
			}
		}
	}
}

// assignment records "variable = function", in a declaration or a statement.
func (b *bindings) assignment(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		if len(n.Values) == 1 {
			b.to[n.Names[0].Name] = append(b.to[n.Names[0].Name], b.names(n.Values[0])...)
		}
	case *ast.AssignStmt:
		if id, ok := n.Lhs[0].(*ast.Ident); ok && bound(id.Name) {
			b.to[id.Name] = append(b.to[id.Name], b.names(n.Rhs[0])...)
		}
	}
	return true
}

// bound reports whether a name may stand for a C function: go-nvml binds most by their C names, and
// a few by functions of its own.
func bound(name string) bool {
	return strings.HasPrefix(name, "nvml") || strings.HasPrefix(name, "deviceGet") && strings.Contains(name, "RunningProcesses") || name == "gpmMetricsGet"
}

// names returns the names in a syntax tree; those of C begin with "C.".
func (b *bindings) names(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "C" {
				names = append(names, "C."+n.Sel.Name)
			}
			return false
		case *ast.Ident:
			if bound(n.Name) {
				names = append(names, n.Name)
			}
		}
		return true
	})
	return names
}

func (b *bindings) follow(n ast.Node, found, seen map[string]bool) {
	for _, name := range b.names(n) {
		b.resolve(name, found, seen)
	}
}

func (b *bindings) resolve(name string, found, seen map[string]bool) {
	if c, ok := strings.CutPrefix(name, "C."); ok {
		// Types of C end in _t.
		if strings.HasPrefix(c, "nvml") && !strings.HasSuffix(c, "_t") {
			found[c] = true
		}
		return
	}
	if seen[name] {
		return
	}
	seen[name] = true
	for _, next := range b.to[name] {
		b.resolve(next, found, seen)
	}
}

// Functions that are called without go-nvml are declared by hand, and must match nvml.h.
func TestDirectCallsAreDeclaredAsInTheHeader(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml/pkg/nvml").Output()
	require.NoError(t, err)
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "nvml.h"))
	require.NoError(t, err)
	text := regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/|\s+`).ReplaceAllString(string(header), " ")
	text = regexp.MustCompile(` +`).ReplaceAllString(text, " ")
	declarations := []string{
		"nvmlReturn_t DECLDIR " + symbolHandleByUUID + "(const char *uuid, nvmlDevice_t *device);",
		"nvmlReturn_t DECLDIR " + symbolFanSpeedRPM + "(nvmlDevice_t device, nvmlFanSpeedInfo_t *fanSpeed);",
		"nvmlReturn_t DECLDIR " + symbolEventSetWait + "(nvmlEventSet_t set, nvmlEventData_t * data, unsigned int timeoutms);",
		"nvmlReturn_t DECLDIR " + symbolOlderEventSetWait + "(nvmlEventSet_t set, nvmlEventData_t * data, unsigned int timeoutms);",
		"typedef struct nvmlEventData_st { nvmlDevice_t device; unsigned long long eventType; unsigned long long eventData; unsigned int gpuInstanceId; unsigned int computeInstanceId; } nvmlEventData_t;",
		"NVML_ERROR_TIMEOUT = 10,",
		"typedef struct { unsigned int version; unsigned int fan; unsigned int speed; } nvmlFanSpeedInfo_v1_t; typedef nvmlFanSpeedInfo_v1_t nvmlFanSpeedInfo_t;",
		"#define NVML_STRUCT_VERSION(data, ver) (unsigned int)(sizeof(nvml ## data ## _v ## ver ## _t) | \\ (ver << 24U))",
		"nvmlReturn_t DECLDIR " + symbolSamples + "(nvmlDevice_t device, nvmlSamplingType_t type, unsigned long long lastSeenTimeStamp, " +
			"nvmlValueType_t *sampleValType, unsigned int *sampleCount, nvmlSample_t *samples);",
		"nvmlReturn_t DECLDIR " + symbolProcessUtilization + "(nvmlDevice_t device, nvmlProcessUtilizationSample_t *utilization, " +
			"unsigned int *processSamplesCount, unsigned long long lastSeenTimeStamp);",
		"nvmlReturn_t DECLDIR " + symbolRetiredPages + "(nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *pageCount, unsigned long long *addresses);",
		"typedef struct nvmlProcessInfo_v1_st { unsigned int pid; unsigned long long usedGpuMemory; } nvmlProcessInfo_v1_t;",
		"typedef struct nvmlProcessInfo_v2_st { unsigned int pid; unsigned long long usedGpuMemory; unsigned int gpuInstanceId; unsigned int computeInstanceId; } nvmlProcessInfo_v2_t, nvmlProcessInfo_t;",
		"typedef struct nvmlSample_st { unsigned long long timeStamp; nvmlValue_t sampleValue; }nvmlSample_t;",
	}
	for _, symbol := range processLists {
		for version, entry := range map[string]string{"": "nvmlProcessInfo_v1_t", "_v2": "nvmlProcessInfo_v2_t", "_v3": "nvmlProcessInfo_t"} {
			declarations = append(declarations, "nvmlReturn_t DECLDIR "+symbol+version+"(nvmlDevice_t device, unsigned int *infoCount, "+entry+" *infos);")
		}
	}
	for _, declared := range declarations {
		require.Contains(t, text, declared)
	}
}
