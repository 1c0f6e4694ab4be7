package process

import "strings"

// command is the command of FaceFusion 3.x that a process was started with, of those that there
// are: other text of a command line never leaves the package.
func (m *trackedProcess) command() string {
	if m.role.Child() {
		return ""
	}
	s, ok := programOf(splitArgv([]byte(m.cmdline))).script()
	if !ok || s.kind() != faceFusion3 || len(s.args) == 0 {
		return ""
	}
	command := s.args[0]
	if _, runs := runnerCommands[command]; runs || command == "run" || command == "job-create" {
		return command
	}
	return ""
}

// namedJob is the job that a runner was told to run; empty where its command line does not say, or
// not at once: from FaceFusion 3.5 on the job may have another id than the one that is named.
func (m *trackedProcess) namedJob() string {
	if command := m.command(); command != "job-run" && command != "job-retry" {
		return ""
	}
	s, _ := programOf(splitArgv([]byte(m.cmdline))).script()
	if len(s.args) < 2 || strings.HasPrefix(s.args[1], "-") {
		return ""
	}
	return s.args[1]
}

// stepPaths are the target and the output that a headless-run was given; empty where its command
// line does not say.
func (m *trackedProcess) stepPaths() (target, output string) {
	if m.command() != "headless-run" {
		return "", ""
	}
	s, _ := programOf(splitArgv([]byte(m.cmdline))).script()
	target, _ = targetPathOption(s.args[1:])
	output, _ = outputPathOption(s.args[1:])
	return target, output
}
