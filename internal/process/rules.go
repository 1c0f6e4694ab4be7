package process

import (
	"path"
	"path/filepath"

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
	// configured is the instance that the configuration gives it to.
	configured *instanceState
	// moved is the process as the member that it was until now, of another instance.
	moved *trackedProcess
}

// interpreter says whether a process is a Python interpreter. Its executable decides where it may
// be looked at, as the name and the command line are the program's to change.
func (f *files) interpreter(o observation) bool {
	if isPython(o.stat.comm) || len(o.argv) > 0 && isPython(path.Base(o.argv[0])) {
		return true
	}
	exe, err := f.link(o.pid, "exe")
	return err == nil && (isPython(path.Base(exe)) || path.Base(exe) == "uwsgi")
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
	server, hasTitle := "", false
	if p.kind == noProgram {
		server, hasTitle = titled(o.argv)
		hasTitle = hasTitle || len(o.argv) == 1 && !isPython(path.Base(o.argv[0]))
	}
	if !hasTitle && p.isTool() || !f.interpreter(o) {
		return ruleMatch{}, false, ""
	}
	cwd, err := f.cwd(o.pid)
	switch {
	case isDenied(err):
		return ruleMatch{}, false, VisibilityDenied
	case err != nil:
		return ruleMatch{}, false, ""
	}
	if p.kind != noProgram {
		server = p.base()
	}
	_, imports := applicationServers[server]
	root := f.rootOf(o.pid)
	found, ok = f.findAround(surroundings{pid: o.pid, root: root, cwd: cwd, program: p, imports: imports})
	if !ok {
		if _, err := root.Stat(cwd + "/facefusion"); isDenied(err) {
			blind = VisibilityFoldersDenied
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
	// directory.
	imports bool
}

func (f *files) findAround(s surroundings) (ruleMatch, bool) {
	if isCheckout(s.root, s.cwd) {
		return f.service(s, ruleCwd, s.cwd, false), true
	}
	scripts := s.scriptFolders()
	if len(scripts) > 0 && scripts[0] != s.cwd {
		if isCheckout(s.root, scripts[0]) {
			return f.service(s, ruleScriptFolder, scripts[0], false), true
		}
	}
	for _, folder := range f.pythonPath(s.pid) {
		if folder = absolute(s.cwd, folder); isCheckout(s.root, folder) {
			return f.service(s, rulePythonPath, folder, false), true
		}
	}
	if _, shared := sharedFolders[s.cwd]; !shared {
		if name := checkoutBelow(s.root, s.cwd); name != "" {
			here := s.imports || len(scripts) > 0 && scripts[0] == s.cwd || s.program.kind == moduleProgram
			return f.service(s, ruleBelowCwd, filepath.Join(s.cwd, name), !here), true
		}
	}
	if len(scripts) < 2 {
		return ruleMatch{}, false
	}
	for _, folder := range scripts[1:] {
		if isCheckout(s.root, folder) {
			return f.service(s, ruleAboveScript, folder, true), true
		}
	}
	return ruleMatch{}, false
}

// maxAbove is how many folders above that of the script are tried.
const maxAbove = 3

// scriptFolders are the folder of the script and those above it, the nearest first.
func (s surroundings) scriptFolders() []string {
	if s.program.kind != scriptProgram {
		return nil
	}
	folder := filepath.Clean(path.Dir(absolute(s.cwd, s.program.name)))
	folders := []string{folder}
	for range maxAbove {
		if folder = filepath.Dir(folder); folder == "/" {
			break
		}
		folders = append(folders, folder)
	}
	return folders
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
