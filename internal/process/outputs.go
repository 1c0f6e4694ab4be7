package process

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// OutputFiles are the files that a process has for standard output and error, as this process names
// them below root. A terminal, a pipe and a socket are none. It is empty where the process may not
// be looked into. The path of a file that is renamed later changes with it: ask when the process is
// new.
func OutputFiles(root string, pid int) []string {
	var files []string
	for _, fd := range []string{"1", "2"} {
		target, err := os.Readlink(filepath.Join(root, "proc", strconv.Itoa(pid), "fd", fd))
		if err != nil || !filepath.IsAbs(target) || strings.HasPrefix(target, "/dev/") || strings.HasSuffix(target, deleted) {
			continue
		}
		if file := filepath.Join(root, target); !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}
