package process

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// script is a Python script in the position of a script, with its arguments.
type script struct {
	path string
	args []string
}

// scriptKind is the program that a script belongs to.
type scriptKind uint8

const (
	noFaceFusion scriptKind = iota
	faceFusion3             // facefusion.py, 3.x and later
	faceFusion2             // run.py, 1.x and 2.x; others have a run.py too
)

func (s script) kind() scriptKind {
	switch path.Base(s.path) {
	case "facefusion.py":
		return faceFusion3
	case "run.py":
		return faceFusion2
	default:
		return noFaceFusion
	}
}

// splitArgv splits the content of /proc/<pid>/cmdline.
func splitArgv(data []byte) []string {
	data = bytes.TrimSuffix(data, []byte{0})
	if len(data) == 0 {
		return nil
	}
	return strings.Split(string(data), "\x00")
}

// isPython says whether a program is an interpreter: python, python3, python3.12, pypy3.
func isPython(program string) bool {
	rest, ok := strings.CutPrefix(program, "python")
	if !ok {
		rest, ok = strings.CutPrefix(program, "pypy")
	}
	return ok && strings.Trim(rest, "0123456789.") == ""
}

// runnerCommands process jobs and end.
var runnerCommands = setOf("headless-run", "batch-run", "job-run", "job-run-all", "job-retry", "job-retry-all")

// roleFor returns what FaceFusion does with these arguments; false where it only prints something,
// or refuses them. The version may be unknown ("").
func (s script) roleFor(version string) (Role, bool) {
	switch s.kind() {
	case faceFusion3:
		return role3(s.args, version)
	case faceFusion2:
		return role2(s.args)
	default:
		return "", false
	}
}

func role3(args []string, version string) (Role, bool) {
	if len(args) == 0 {
		return "", false // prints how it is used
	}
	if strings.HasPrefix(args[0], "-") {
		return roleOfOptions(args, RoleService)
	}
	command, rest := args[0], args[1:]
	if _, ok := runnerCommands[command]; ok {
		return RoleRunner, true
	}
	switch {
	case slices.ContainsFunc(rest, isHelp):
		return "", false
	case command == "run" && headless(rest, version):
		return RoleRunner, true
	case command == "run":
		return RoleServer, true
	case command == "force-download":
		return RoleDownloader, true
	case command == "benchmark":
		return RoleBenchmark, true
	case strings.HasPrefix(command, "job-"):
		return RoleAdmin, true
	default:
		// A fork's own, or one of a later version: "api", "run-api", "consumer".
		return RoleService, true
	}
}

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" }

// ownServer matches the options with which forks start a server or a worker of their own instead of
// the web UI. No option of FaceFusion begins with one of these words.
var ownServer = regexp.MustCompile(`^--(api|rest|grpc|serve|worker|consumer|daemon)($|[-=])`)

// roleOfOptions is the role without a command: 1.x and 2.x have none, and forks of 3.x kept their
// options.
func roleOfOptions(args []string, otherwise Role) (Role, bool) {
	role := otherwise
	for _, a := range args {
		switch {
		case a == "--headless":
			role = RoleRunner
		case a == "--force-download":
			return RoleDownloader, true
		case isHelp(a), a == "-v", a == "--version":
			return "", false
		case ownServer.MatchString(a):
			role = RoleService
		}
	}
	return role, true
}

// headless says whether "run" processes a target and ends, as it does from version 4 on, where
// "api" is the server. In 3.x "run" is the web UI, and a target is only what it opens with. While
// the version is unknown, a target with an output speaks for 4.
func headless(args []string, version string) bool {
	if n, ok := major(version); ok {
		return n >= 4
	}
	var target, output bool
	for _, a := range args {
		target = target || a == "-t" || a == "--target-path"
		output = output || a == "-o" || a == "--output-path"
	}
	return target && output
}

// major is the first number of a version; the branch of version 4 says "v4".
func major(version string) (int, bool) {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(first)
	return n, err == nil
}

func role2(args []string) (Role, bool) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return "", false // "run.py run" mixes up 2.x and 3.x: 2.x has no commands
	}
	return roleOfOptions(args, RoleServer)
}

// childRole names a child after its program.
func childRole(comm string, argv []string) Role {
	program := comm
	if len(argv) > 0 {
		program = path.Base(argv[0])
	}
	switch r := Role(program); r {
	case RoleFFmpeg, RoleFFprobe, RoleCurl, RoleNvidiaSMI, RoleNode:
		return r
	default:
		return RoleOther
	}
}

// maxPaths bounds what is kept of an ffmpeg's arguments.
const maxPaths = 8

// pathsIn are the arguments of an ffmpeg that name files: they say on what it works.
func pathsIn(role Role, argv []string) (paths []string) {
	if role != RoleFFmpeg || len(argv) == 0 {
		return nil
	}
	for i, argument := range argv[1:] {
		last := i == len(argv)-2
		if (strings.Contains(argument, "/") || last && !strings.HasPrefix(argument, "-")) && len(paths) < maxPaths {
			paths = append(paths, argument)
		}
	}
	return paths
}
