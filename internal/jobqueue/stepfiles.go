package jobqueue

import (
	"path"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// defaultTemp is where FaceFusion puts temporary files unless told otherwise.
const defaultTemp = "/tmp"

// stepFiles sums up what the files are that a step writes:
// <temp>/facefusion/<name>/temp.<extension>, the folder of its frames, and the output. FaceFusion
// names the temporary ones after the target or the output, depending on its version. The sum has no
// meaning of its own; that it changes has.
func stepFiles(at *Folder, s *jobfile.PlannedStep) (sum int64, ok bool) {
	if at.Process == nil {
		return 0, false
	}
	temp := at.TempPath
	if temp == "" {
		temp = defaultTemp
	}
	ok = true
	stat := func(name string) {
		if !path.IsAbs(name) {
			name = path.Join(at.Dir, name)
		}
		st, err := jobsdir.Stat(at.Process, path.Clean("/"+name))
		if err == nil {
			sum += st.Size + st.MTime + int64(st.Ino)
		}
		ok = ok && !hostfs.IsHanging(err) // the output may lie on another share than the job
	}
	if s.Output != "" {
		stat(s.Output)
	}
	extensions := distinct(path.Ext(s.Target), path.Ext(s.Output))
	for _, name := range distinct(stem(s.Target), stem(s.Output)) {
		folder := path.Join(temp, "facefusion", name)
		stat(folder)
		for _, extension := range extensions {
			stat(path.Join(folder, "temp"+extension))
		}
	}
	return sum, ok
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
