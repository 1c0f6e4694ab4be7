package process

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
