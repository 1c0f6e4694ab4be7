package jobqueue

import (
	"path"
	"path/filepath"
	"strings"
)

// defaultTemp is where FaceFusion puts temporary files unless told otherwise.
const defaultTemp = "/tmp"

// stepFiles sums up what the files are that a step writes: <temp>/facefusion/<name>/temp.<extension>, the folder of its frames, and the output. FaceFusion names
// the temporary ones after the target or the output, depending on its version. The sum has no meaning of its own; that it changes has.
func stepFiles(at *Folder, s *plannedStep) (sum int64, ok bool) {
	if at.Root == "" {
		return 0, false
	}
	temp := at.TempPath
	if temp == "" {
		temp = defaultTemp
	}
	look := func(name string) {
		if !path.IsAbs(name) {
			name = path.Join(at.Dir, name)
		}
		// Clean keeps a name with dots below the root.
		if st, err := lstat(filepath.Join(at.Root, path.Clean("/"+name))); err == nil {
			sum += st.size + st.mtime + int64(st.ino)
		}
	}
	if s.output != "" {
		look(s.output)
	}
	extensions := distinct(path.Ext(s.target), path.Ext(s.output))
	for _, name := range distinct(stem(s.target), stem(s.output)) {
		folder := path.Join(temp, "facefusion", name)
		look(folder)
		for _, extension := range extensions {
			look(path.Join(folder, "temp"+extension))
		}
	}
	return sum, true
}

func stem(name string) string {
	base := path.Base(name)
	return strings.TrimSuffix(base, path.Ext(base))
}

func distinct(a, b string) []string {
	if a == b || b == "" {
		return []string{a}
	}
	return []string{a, b}
}
