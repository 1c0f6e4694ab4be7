package process

import (
	"strings"

	"gopkg.in/ini.v1"
)

// option returns the value that argparse would take from args for a long option and, where the
// version has one, its short form: "--name value", "--name=value", every unambiguous prefix of the
// name, "-n value" and "-nvalue". The last one wins.
//
// minimum is the length of the shortest prefix that is accepted. A process that runs was understood
// by argparse, so an ambiguous prefix cannot occur.
func option(args []string, long string, minimum int, short string) (string, bool) {
	var value string
	var found bool
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break
		}
		name, inline, hasInline := strings.Cut(arg, "=")
		switch {
		case len(name) >= minimum && strings.HasPrefix(long, name):
		case short != "" && arg == short:
			hasInline = false
		case short != "" && len(arg) > 2 && strings.HasPrefix(arg, short):
			inline, hasInline = strings.TrimPrefix(arg[2:], "="), true
		default:
			continue
		}
		if !hasInline {
			if i+1 == len(args) {
				break
			}
			i++
			inline = args[i]
		}
		value, found = inline, true
	}
	return value, found
}

// jobsPathOption is --jobs-path, alias -j in 3.0.x only. No other option begins with --j.
func jobsPathOption(args []string, version string) (string, bool) {
	short := ""
	if strings.HasPrefix(version, "3.0.") {
		short = "-j"
	}
	return option(args, "--jobs-path", len("--j"), short)
}

// tempPathOption is --temp-path, of which 3.x has no short form. Other options begin with --temp-,
// none with --temp-pa.
func tempPathOption(args []string) (string, bool) {
	return option(args, "--temp-path", len("--temp-pa"), "")
}

// targetPathOption and outputPathOption are those of headless-run.
func targetPathOption(args []string) (string, bool) {
	return option(args, "--target-path", len("--target-p"), "-t")
}

func outputPathOption(args []string) (string, bool) {
	return option(args, "--output-path", len("--output-p"), "-o")
}

// configPathOption is --config-path, called --config in 2.x, alias -c up to 3.0.x. No other option
// begins with --c.
func configPathOption(args []string, version string) (string, bool) {
	short := ""
	if strings.HasPrefix(version, "3.0.") || strings.HasPrefix(version, "2.") {
		short = "-c"
	}
	return option(args, "--config-path", len("--c"), short)
}

// iniPaths are what [paths] of a facefusion.ini names; empty where it does not.
type iniPaths struct{ jobs, temp string }

// parsePaths has the reader behave like Python's configparser.
func parsePaths(data []byte) iniPaths {
	file, err := ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys:            true,
		IgnoreInlineComment:        true,
		IgnoreContinuation:         true,
		PreserveSurroundedQuote:    true,
		SkipUnrecognizableLines:    true,
		SpaceBeforeInlineComment:   true,
		AllowPythonMultilineValues: false,
	}, data)
	if err != nil {
		return iniPaths{}
	}
	value := func(key string) string { return strings.TrimSpace(file.Section("paths").Key(key).Value()) }
	return iniPaths{jobs: value("jobs_path"), temp: value("temp_path")}
}
