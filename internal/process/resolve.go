package process

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is the kernel's own limit, see path_resolution(7).
const maxLinks = 40

// resolve follows the symbolic links of an absolute path as a process with this root would. The kernel cannot be asked: below /proc/<pid>/root it would follow
// an absolute link from the reader's root. What does not exist, or may not be read, is taken as it is named: a jobs folder need not exist.
func (f *files) resolve(root, path string) string {
	done, rest := "/", strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, name)
		target, err := os.Readlink(root + next)
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return filepath.Clean(path)
		}
		target = f.strip(target)
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done
}
