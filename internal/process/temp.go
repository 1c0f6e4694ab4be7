package process

// tempPath returns the folder in which FaceFusion 3.x makes its folder for temporary files, as the
// process names it: command line, then facefusion.ini, then the one that Python's tempfile takes.
// It is empty for /tmp, and where nobody may look.
func (f *files) tempPath(pid int, args []string, paths iniPaths, cwd string) string {
	if path, ok := tempPathOption(args); ok && path != "" {
		return absolute(cwd, path)
	}
	if paths.temp != "" {
		return absolute(cwd, paths.temp)
	}
	for _, path := range f.variables(pid, "TMPDIR", "TEMP", "TMP") {
		if path != "" {
			return absolute(cwd, path)
		}
	}
	return ""
}
