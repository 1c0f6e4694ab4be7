package jobqueue

import (
	"path"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// stepPaths are the paths by which the arguments of an ffmpeg are known to be of a step, as the
// processes of the instance name them.
type stepPaths struct {
	dir, target, output string
	temp                []string // the last folders of its temporary files, wherever they lie
}

// pathsOf a step. FaceFusion names the temporary folder after the target or the output, depending
// on its version.
func pathsOf(at *Folder, s jobfile.Paths) stepPaths {
	p := stepPaths{dir: at.Dir, target: s.Target, output: s.Output}
	for _, name := range distinct(stem(s.Target), stem(s.Output)) {
		p.temp = append(p.temp, "/facefusion/"+name+"/")
	}
	return p
}

// own says that an ffmpeg works on this very step: it reads or writes its temporary files, or
// writes its output, to whose name FaceFusion adds that of the job and the number of the step.
func (p *stepPaths) own(arguments []string) bool {
	return slices.ContainsFunc(arguments, func(name string) bool {
		name = p.absolute(name)
		if slices.ContainsFunc(p.temp, func(folder string) bool { return strings.Contains(name, folder) }) {
			return true
		}
		output := p.absolute(p.output)
		return p.output != "" && path.Dir(name) == path.Dir(output) && strings.HasPrefix(path.Base(name), stem(output)) && path.Ext(name) == path.Ext(output)
	})
}

// near says that it may: it reads the target, as previews do, too.
func (p *stepPaths) near(arguments []string) bool {
	return p.target != "" && slices.ContainsFunc(arguments, func(name string) bool { return p.absolute(name) == p.absolute(p.target) })
}

func (p *stepPaths) absolute(name string) string {
	if !path.IsAbs(name) {
		name = path.Join(p.dir, name)
	}
	return path.Clean("/" + name)
}

// count says how many there are of either kind.
func (p *stepPaths) count(ffmpegs [][]string) (own, near int) {
	for _, arguments := range ffmpegs {
		switch {
		case p.own(arguments):
			own++
		case p.near(arguments):
			near++
		}
	}
	return own, near
}
