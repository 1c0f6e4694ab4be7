package process

import (
	"path"
	"slices"
	"strings"
)

// programKind is what an interpreter runs.
type programKind uint8

const (
	noProgram      programKind = iota // a prompt, or what was not understood
	scriptProgram                     // python name args
	moduleProgram                     // python -m name args
	commandProgram                    // python -c
)

// pythonProgram is what a Python process runs, according to its command line.
type pythonProgram struct {
	kind programKind
	// name is the path of a script, or the name of a module.
	name string
	args []string
}

// pythonFlags are the interpreter's options without a value.
const pythonFlags = "bBdEhiIOPqsSuvVx?"

// programOf reads the command line of an interpreter. Only the position of a word counts: "vim
// facefusion.py", "conda run python facefusion.py" and "sh -c 'python facefusion.py'" have the
// name, but none of them is FaceFusion. Whether argv[0] is an interpreter is the caller's question.
func programOf(argv []string) pythonProgram {
	for i := 1; i < len(argv); i++ {
		arg := argv[i]
		if arg == "" || arg == "-" {
			return pythonProgram{}
		}
		if arg[0] != '-' {
			return pythonProgram{kind: scriptProgram, name: arg, args: argv[i+1:]}
		}
		rest := strings.TrimLeft(arg[1:], pythonFlags)
		if rest == "" {
			continue
		}
		option, value := rest[0], rest[1:]
		if value == "" && i+1 < len(argv) {
			i++
			value = argv[i] // the value is the next argument
		}
		switch option {
		case 'W', 'X':
		case 'm':
			return pythonProgram{kind: moduleProgram, name: value, args: argv[min(i+1, len(argv)):]}
		case 'c':
			return pythonProgram{kind: commandProgram}
		case '-':
			if name := arg; name == "--check-hash-based-pycs" || strings.HasPrefix(name, "--check-hash-based-pycs=") {
				continue
			}
			return pythonProgram{}
		default:
			return pythonProgram{}
		}
	}
	return pythonProgram{}
}

// script returns the program as a script that may be FaceFusion's own.
func (p pythonProgram) script() (script, bool) {
	if p.kind != scriptProgram {
		return script{}, false
	}
	return script{path: p.name, args: p.args}, true
}

// base is the program's name without its folder and ending: "uvicorn" of "/opt/venv/bin/uvicorn"
// and of "-m uvicorn", "pip" of ".../pip/__main__.py".
func (p pythonProgram) base() string {
	switch p.kind {
	case moduleProgram:
		name, _, _ := strings.Cut(p.name, ".")
		return name
	case scriptProgram:
		dir, file := path.Split(p.name)
		if file == "__main__.py" {
			file = path.Base(dir)
		}
		return strings.TrimSuffix(strings.TrimSuffix(file, ".py"), "-script")
	default:
		return ""
	}
}

// applicationOptions give an application server the folder to import from, or the file.
var applicationOptions = setOf("--app-dir", "--pythonpath", "--chdir", "--workdir", "--working-dir", "--path", "--app", "-A")

// applications are the folders that an application server is given: by an option, or as the path of
// the application's file.
func (p pythonProgram) applications(cwd string) (folders []string) {
	for n, arg := range p.args {
		name, value, has := strings.Cut(arg, "=")
		if _, ok := applicationOptions[name]; ok && !has && n+1 < len(p.args) {
			value = p.args[n+1]
		} else if !ok {
			value = ""
		}
		file, _, _ := strings.Cut(arg, ":")
		switch {
		case strings.HasPrefix(arg, "-") && strings.Contains(value, "/"):
			value, _, _ = strings.Cut(value, ":")
			if folder := absolute(cwd, value); !strings.HasSuffix(folder, ".py") {
				folders = append(folders, path.Clean(folder))
			} else {
				folders = append(folders, path.Dir(path.Clean(folder)))
			}
		case !strings.HasPrefix(arg, "-") && strings.HasSuffix(file, ".py") && strings.Contains(file, "/"):
			folders = append(folders, path.Dir(path.Clean(absolute(cwd, file))))
		}
		if len(folders) == maxApplications {
			break
		}
	}
	return folders
}

// maxApplications bounds the folders of a command line.
const maxApplications = 2

// titled says whether a process has replaced its command line by a title, and which program did.
// The title keeps nothing of the script, so what the process runs is known by its executable alone.
func titled(argv []string) (string, bool) {
	if len(argv) == 0 {
		return "", false
	}
	title := strings.TrimPrefix(argv[0], "[")
	for _, known := range [...]struct{ prefix, program string }{
		{"gunicorn: ", "gunicorn"}, {"ray::", "ray"}, {"celeryd: ", "celery"}, {"celery: ", "celery"}, {"celery@", "celery"}, {"rq: ", "rq"}, {"rq:worker:", "rq"},
		{"uvicorn: ", "uvicorn"}, {"hypercorn: ", "hypercorn"}, {"granian ", "granian"}, {"uWSGI ", "uwsgi"}, {"dramatiq: ", "dramatiq"}, {"huey: ", "huey"},
	} {
		if strings.HasPrefix(title, known.prefix) {
			return known.program, true
		}
	}
	return "", false
}

// retitled is titled, and knows titles of any other program: nothing is left of its arguments.
func retitled(argv []string) (server string, ok bool) {
	if len(argv) == 0 {
		return "", false
	}
	program := path.Base(argv[0])
	if strings.HasPrefix(program, "uwsgi") && embeds(program) {
		return "uwsgi", true // its arguments are not those of an interpreter
	}
	if programOf(argv).kind != noProgram {
		return "", false
	}
	if server, ok = titled(argv); ok {
		return server, true
	}
	// a title is written over the arguments, and what is left of these are zeros
	rest := slices.ContainsFunc(argv[1:], func(arg string) bool { return arg != "" })
	return "", !rest && !isPython(program)
}
