package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// validatePatience is how long the agent may take to validate: half a second on an idle machine.
const validatePatience = 20 * time.Second

// agentProgram is the agent's program beside this one; empty where there is none.
func agentProgram() string {
	own, err := os.Executable()
	if err != nil {
		return ""
	}
	for _, name := range agentNames {
		path := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// validate has the agent's own program look at the configuration, and says in which line of which
// file stands what it does not like.
func validate(ctx context.Context, program string, o options, sources []configfile.SourceFile) []finding {
	ctx, cancel := context.WithTimeout(ctx, validatePatience)
	defer cancel()
	args := []string{"validate"}
	for _, name := range o.configs {
		args = append(args, "--config="+name)
	}
	for _, setting := range o.sets {
		args = append(args, "--set="+setting)
	}
	output, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	var refused *exec.ExitError
	switch {
	case err == nil:
		return []finding{{"configuration", OK, "", "the agent's validation has nothing against it", ""}}
	case ctx.Err() != nil || !errors.As(err, &refused):
		return []finding{{"configuration", Info, program, "does not validate: " + err.Error(), ""}}
	}
	var findings []finding
	for _, text := range complaints(string(output)) {
		subject := configfile.Locate(sources, text)
		if m := placed.FindStringSubmatch(text); m != nil {
			subject, text = m[1], m[2]
		}
		findings = append(findings, finding{"configuration", Failure, subject, text, "correct it there; the names and their defaults are in the README"})
	}
	return findings
}

// placed is a message that names the file and the line itself.
var placed = regexp.MustCompile(`^(\S+:\d+): (.*)$`)

// noise is what the Collector says around what is wrong.
var noise = []string{"failed to get config: ", "cannot unmarshal the configuration: ", "decoding failed due to the following error(s):", "invalid configuration: ", "cannot convert the confmap.Conf: ", "cannot resolve the configuration: ", "cannot retrieve the configuration: "}

// complaints are what is wrong, without what the Collector says around it. What follows is of the
// component that was named last.
func complaints(output string) (list []string) {
	of := ""
	for line := range strings.Lines(output) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "Error: ")
		for _, text := range noise {
			line = strings.ReplaceAll(line, text, "")
		}
		if section, rest, found := strings.Cut(line, " error reading configuration for "); found {
			id, behind, _ := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
			of = strings.Trim(section, "'") + "::" + id + ": "
			line = strings.TrimPrefix(behind, ":")
		}
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "''"))
		if line != "" && !slices.Contains(list, of+line) {
			list = append(list, of+line)
		}
	}
	return list
}
