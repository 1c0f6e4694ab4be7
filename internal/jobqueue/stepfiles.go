package jobqueue

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// defaultTemp is where FaceFusion puts temporary files unless configured otherwise.
const defaultTemp = "/tmp"

// maxTemps bounds the folders in which the temporary files of one run are looked for.
const maxTemps = 4

// noteTemps notes where the processes that can have the run put temporary files. Where none is
// known to have it, those of all are looked at. It returns true when there are more than before.
func (c *claim) noteTemps(l *folderEvidence) (more bool) {
	for i := range l.processes {
		p := &l.processes[i]
		temp, may := cmp.Or(p.TempPath, defaultTemp), p.Role != RoleAdmin && c.resolved && len(c.holders) == 0
		if (may || slices.Contains(c.holders, p.ProcessID)) && len(c.temps) < maxTemps && !slices.Contains(c.temps, temp) {
			c.temps, more = append(c.temps, temp), true
		}
	}
	return more
}

// stepFiles sums up what the files are that a step writes:
// <temp>/facefusion/<name>/temp.<extension>, the folder of its frames, and the output. FaceFusion
// names the temporary ones after the target or the output, depending on its version. The sum has no
// meaning of its own; that it changes has.
func stepFiles(at *Folder, s jobfile.Paths, temps []string) (sum int64, ok bool) {
	if at.Process == nil {
		return 0, false
	}
	if len(temps) == 0 {
		temps = []string{defaultTemp}
	}
	if at.session != "" { // which has a folder of its own in there, too
		for _, temp := range slices.Clone(temps) {
			temps = append(slices.Clip(temps), path.Join(temp, at.session))
		}
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
	for _, temp := range temps {
		for _, name := range distinct(stem(s.Target), stem(s.Output)) {
			folder := path.Join(temp, "facefusion", name)
			stat(folder)
			for _, extension := range extensions {
				stat(path.Join(folder, "temp"+extension))
			}
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
