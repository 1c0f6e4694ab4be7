package process

import (
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// rule is how a process was found to be FaceFusion's.
type rule string

// The rules, in the order in which they are tried; the first that holds wins.
const (
	ruleConfigured   rule = "configured"    // instances[].match names it
	ruleScript       rule = "script"        // FaceFusion's own script in the position of a script
	ruleCwd          rule = "cwd"           // the working directory is a checkout
	ruleScriptFolder rule = "script_folder" // the folder of the script is one
	rulePythonPath   rule = "pythonpath"    // a folder of PYTHONPATH is one
	ruleBelowCwd     rule = "below_cwd"     // a folder in the working directory is one
	ruleBelowScript  rule = "below_script"  // a folder in that of the script is one
	ruleAboveScript  rule = "above_script"  // a folder above that of the script is one
	ruleParentOfRun  rule = "parent_of_run" // it starts runs
)

// ruleMatch is a process that a rule fits.
type ruleMatch struct {
	rule rule
	role Role
	workdir
	// unconfirmed says that the rule holds only together with a sign of FaceFusion: its runtime in
	// the process's mappings, or a run as a child.
	unconfirmed bool
	// hint says that it does not hold at all: it is named in the log, with this reason, where the
	// process shows such a sign or, with anyway, after a while.
	hint   string
	anyway bool
	// configured is the instance that the configuration gives it to.
	configured *instanceState
	// moved is the process as the member that it was until now, of another instance.
	moved *trackedProcess
}

// embedders have the interpreter within: they are no Python by their names.
var embedders = setOf("uwsgi", "uwsgi-core", "triton_python_backend_stub")

// embeds says whether a program is one of them.
func embeds(program string) bool {
	_, ok := embedders[program]
	return ok
}

// interpreter says whether a process is a Python interpreter. Its executable decides where it may
// be looked at, as the name and the command line are the program's to change.
func (f *files) interpreter(o observation) bool {
	if isPython(o.stat.comm) || len(o.argv) > 0 && (isPython(path.Base(o.argv[0])) || embeds(path.Base(o.argv[0]))) {
		return true
	}
	exe, err := f.link(o.pid, "exe")
	return err == nil && (isPython(path.Base(exe)) || embeds(path.Base(exe)))
}

// findScript is the rule for FaceFusion's own script; decided says that it is FaceFusion's script,
// so that no other rule is asked, also where it only prints something.
func (f *files) findScript(o observation) (found ruleMatch, ok, decided bool) {
	s, isScript := programOf(o.argv).script()
	if !isScript || s.kind() == noFaceFusion || !f.interpreter(o) {
		return ruleMatch{}, false, false
	}
	w, ok := f.workdir(o.pid, s)
	if !ok {
		return ruleMatch{}, false, false
	}
	role, ok := s.roleFor(w.version)
	return ruleMatch{rule: ruleScript, role: role, workdir: w}, ok, true
}

// findFolder are the rules for programs around FaceFusion. They need the right to look into the
// process; blind says that it was missing.
func (f *files) findFolder(o observation) (found ruleMatch, ok bool, blind Visibility) {
	p := programOf(o.argv)
	server, hasTitle := retitled(o.argv)
	if !hasTitle && p.kind != commandProgram && p.isTool() || !f.interpreter(o) {
		return ruleMatch{}, false, ""
	}
	cwd, err := f.cwd(o.pid)
	switch {
	case isDenied(err):
		return ruleMatch{}, false, VisibilityDenied
	case err != nil:
		return ruleMatch{}, false, ""
	}
	if !hasTitle {
		server = p.base()
	} else if data, err := f.cmdline(o.pid); err != nil || string(data) != o.cmdline {
		// Between the two looks a shell has become Python: what was read is no title.
		return ruleMatch{}, false, visibilityPending
	}
	_, imports := applicationServers[server]
	root := f.rootOf(o.pid)
	f.tried, f.triesEnd = 0, time.Now().Add(maxSearch)
	found, ok = f.findAround(surroundings{pid: o.pid, root: root, cwd: cwd, program: p, imports: imports})
	if !ok {
		switch _, err := root.Stat(cwd + "/facefusion"); {
		case isDenied(err):
			blind = VisibilityFoldersDenied
		case hostfs.IsHanging(err):
			blind = visibilityPending
		default:
			if f.late() {
				blind = visibilityPending
			}
		}
	}
	return found, ok, blind
}

// surroundings are the folders that a program may have FaceFusion from.
type surroundings struct {
	pid     int
	root    *hostfs.Root
	cwd     string
	program pythonProgram
	// imports says that the program is an application server, which imports from its working
	// directory, or from the folder that it is given.
	imports bool
}

func (f *files) findAround(s surroundings) (ruleMatch, bool) {
	if isCheckout(s.root, s.cwd) {
		found := f.service(s, ruleCwd, s.cwd, false)
		if s.program.kind == commandProgram {
			found.unconfirmed, found.hint = true, hintCommand
		}
		return found, true
	}
	if s.program.kind == commandProgram {
		return ruleMatch{}, false
	}
	origins := s.origins()
	for _, folder := range origins {
		if folder != s.cwd && isCheckout(s.root, folder) {
			return f.service(s, ruleScriptFolder, folder, false), true
		}
	}
	for _, folder := range f.pythonPath(s.pid) {
		if folder = absolute(s.cwd, folder); f.tries(s.root, folder) {
			return f.service(s, rulePythonPath, folder, false), true
		}
	}
	below, ok := f.findBelow(s, origins)
	if ok && below.hint == "" {
		return below, true
	}
	for _, origin := range origins {
		for _, folder := range above(origin) {
			if isCheckout(s.root, folder) {
				return f.service(s, ruleAboveScript, folder, true), true
			}
		}
	}
	return below, ok
}

// findBelow looks into the folders below the working directory and those of the program. What is
// only a hint is returned where there is nothing else.
func (f *files) findBelow(s surroundings, origins []string) (hinted ruleMatch, ok bool) {
	for _, folder := range append([]string{s.cwd}, origins...) {
		by := ruleBelowScript
		// What a program has from its own folder, or from the one that it imports from, is its own.
		here := s.imports && s.names(folder)
		if folder == s.cwd {
			by, here = ruleBelowCwd, s.imports || slices.Contains(origins, s.cwd)
		} else if holdsPrograms(folder) {
			continue
		}
		names := subfolders(s.root, folder)
		if _, shared := sharedFolders[folder]; shared {
			if name := f.firstCheckout(s.root, folder, slices.DeleteFunc(names, func(n string) bool { return !resembles(n) })); name != "" && folder == s.cwd && !ok {
				hinted, ok = f.service(s, by, filepath.Join(folder, name), true), true
				hinted.hint = hintShared
			}
			continue
		}
		if name := f.firstCheckout(s.root, folder, names); name != "" {
			return f.service(s, by, filepath.Join(folder, name), !here), true
		}
		for _, nest := range names {
			if _, usual := nests[nest]; !usual || ok || f.tried >= maxTries {
				continue
			}
			nest = filepath.Join(folder, nest)
			if name := f.firstCheckout(s.root, nest, subfolders(s.root, nest)); name != "" {
				hinted, ok = f.service(s, by, filepath.Join(nest, name), true), true
				hinted.hint, hinted.anyway = hintNested, true
			}
		}
	}
	return hinted, ok
}

// holdsPrograms says that a folder is one of programs or packages of every kind.
func holdsPrograms(folder string) bool {
	switch path.Base(folder) {
	case "bin", "sbin", "site-packages", "dist-packages":
		return true
	default:
		return false
	}
}

// maxAbove is how many folders above that of the program are tried.
const maxAbove = 3

// above are the folders above another one, the nearest first.
func above(folder string) (list []string) {
	for range maxAbove {
		if folder = filepath.Dir(folder); folder == "/" {
			break
		}
		list = append(list, folder)
	}
	return list
}

// origins are the folders that a program itself is from: that of the script, the working directory
// of a module and of what an application server serves, or the folder that such a server was given.
func (s surroundings) origins() (folders []string) {
	if s.imports {
		folders = append(folders, s.program.applications(s.cwd)...)
		if len(folders) == 0 {
			folders = append(folders, s.cwd)
		}
	}
	switch s.program.kind {
	case moduleProgram:
		folders = append(folders, s.cwd)
	case scriptProgram:
		folders = append(folders, filepath.Clean(path.Dir(absolute(s.cwd, s.program.name))))
	default:
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// names says whether the command line of a server gives it a folder to import from.
func (s surroundings) names(folder string) bool {
	return slices.Contains(s.program.applications(s.cwd), folder)
}

// service is a program around the FaceFusion of a checkout.
func (f *files) service(s surroundings, r rule, checkout string, unconfirmed bool) ruleMatch {
	inner := resolve(s.root, checkout)
	w := workdir{readable: true, complete: true}
	if metadata, err := s.root.ReadFile(inner+"/"+metadataFile, maxConfig); err == nil {
		w.version = parseVersion(metadata)
	}
	jobs := defaultJobsPath
	var paths iniPaths
	if ini, err := s.root.ReadFile(inner+"/facefusion.ini", maxConfig); err == nil {
		if paths = parsePaths(ini); paths.jobs != "" {
			jobs = paths.jobs
		}
	}
	w.checkout = f.locate(s.pid, inner)
	w.jobs = f.locate(s.pid, resolve(s.root, absolute(inner, jobs)))
	w.temp = f.tempPath(s.pid, nil, paths, inner)
	f.establish(s.pid, s.root, &w)
	return ruleMatch{rule: r, role: RoleService, workdir: w, unconfirmed: unconfirmed}
}
