package process

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// metadataFile marks a checkout. Every version of FaceFusion has it, forks as well.
const metadataFile = "facefusion/metadata.py"

// namePattern is FaceFusion's entry in metadata.py, as forks keep it.
var namePattern = regexp.MustCompile(`(?i)['"]name['"]\s*:\s*['"][^'"\n]{0,64}face[ _-]?fusion`)

// isCheckout says whether a folder is a checkout.
func isCheckout(root *hostfs.Root, folder string) bool {
	data, err := root.ReadFile(folder+"/"+metadataFile, maxConfig)
	return err == nil && namePattern.Match(data)
}

// What one search of folders may cost: how many are tried, 40 µs each, and for how long.
const (
	maxTries  = 512
	maxSearch = 250 * time.Millisecond
)

// tries is isCheckout within the bounds of a search.
func (f *files) tries(root *hostfs.Root, folder string) bool {
	if f.tried >= maxTries || f.late() {
		return false
	}
	f.tried++
	return isCheckout(root, folder)
}

// late says that a search has taken as long as it may.
func (f *files) late() bool { return time.Now().After(f.triesEnd) }

// cwd is the working directory of a process, as the process names it. One that was removed, as when
// a checkout is replaced under a running FaceFusion, is the path where it was: what lies there now
// is the same installation.
func (f *files) cwd(pid int) (string, error) {
	cwd, err := f.link(pid, "cwd")
	if err != nil {
		return "", err
	}
	cwd = strings.TrimSuffix(cwd, deleted)
	if root, err := f.link(pid, "root"); err == nil {
		if inner, ok := hostfs.Below(cwd, root); ok {
			cwd = inner
		}
	}
	return cwd, nil
}

// sharedFolders are the working directories of programs of every kind; what lies one level below
// them belongs to others.
var sharedFolders = setOf("/", "/home", "/opt", "/srv", "/usr", "/usr/local", "/var", "/var/lib", "/tmp")

// maxSiblings bounds how many folders below a working directory are tried.
const maxSiblings = 256

// nests are usual names of folders in which programs keep those of others. A checkout in one is
// near, and proves nothing: plugins lie there that are not used.
var nests = setOf(
	"third_party", "third-party", "thirdparty", "3rdparty", "vendor", "vendors", "vendored", "external", "externals", "extern", "lib", "libs", "src", "modules", "submodules",
	"deps", "packages", "engines", "models", "plugins", "extensions", "custom_nodes", "repos", "repositories", "app", "backend", "server", "services", "workers", "core", "tools",
)

// resembles says whether something is called like FaceFusion.
func resembles(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "facefusion") || strings.Contains(name, "face-fusion") || strings.Contains(name, "face_fusion")
}

// firstCheckout finds a checkout among the folders in another one. One that is called like
// FaceFusion comes first, then the first by name.
func (f *files) firstCheckout(root *hostfs.Root, folder string, names []string) string {
	slices.SortFunc(names, func(a, b string) int {
		if x, y := resembles(a), resembles(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if f.tries(root, filepath.Join(folder, name)) {
			return name
		}
	}
	return ""
}

// subfolders lists the first folders in a folder, in no order. Links count, as a checkout may be
// one.
func subfolders(root *hostfs.Root, folder string) []string {
	names, _ := hostfs.Do(root.Gate, root.Key(folder), root.Owner, func() ([]string, error) {
		fd, err := root.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return nil, err
		}
		dir := os.NewFile(uintptr(fd), folder)
		defer dir.Close()
		var names []string
		for len(names) < maxSiblings {
			entries, err := dir.ReadDir(64)
			for _, e := range entries {
				if e.IsDir() || e.Type()&os.ModeSymlink != 0 {
					names = append(names, e.Name())
				}
			}
			if err != nil { // io.EOF as well
				break
			}
		}
		return names, nil
	})
	return names
}

// maxEnviron bounds what is read of an environment, which is 128 KiB at most for one string.
const maxEnviron = 256 << 10

// variables returns what the environment that a process was started with says, in the order of the
// names; empty for what it does not say or nobody may read.
func (f *files) variables(pid int, names ...string) []string {
	values := make([]string, len(names))
	data, err := f.read(f.path(pid, "environ"), maxEnviron)
	if err != nil {
		return values
	}
	for variable := range strings.SplitSeq(string(data), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		if i := slices.Index(names, name); i >= 0 && values[i] == "" {
			values[i] = value
		}
	}
	return values
}

// pythonPath returns the folders of PYTHONPATH.
func (f *files) pythonPath(pid int) []string {
	folders := strings.Split(f.variables(pid, "PYTHONPATH")[0], ":")
	return slices.DeleteFunc(folders, func(s string) bool { return s == "" })
}

// maxMaps bounds what is read of a process's mappings: a program with CUDA and PyTorch has about
// 6,000 lines, 600 KB.
const maxMaps = 2 << 20

// importsRuntime says whether a process has loaded onnxruntime, with which FaceFusion computes.
// Other programs use it as well, so it confirms, and finds nothing by itself.
func (f *files) importsRuntime(pid int) bool {
	data, err := f.read(f.path(pid, "maps"), maxMaps)
	return err == nil && strings.Contains(string(data), "onnxruntime")
}
