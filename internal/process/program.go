package process

import (
	"path"
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
