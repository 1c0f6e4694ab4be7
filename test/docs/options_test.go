package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The releases that the runbooks are for, as docs/runbooks/README.md says.
const oldestRelease, newestRelease = "3.1.0", "3.8.1"

// optionSpan is an option of FaceFusion in quotes of code, and commandOf what FaceFusion's programs
// are called with.
var (
	optionSpan = regexp.MustCompile("`(--[a-z][a-z-]+)(?:[ =][^`]*)?`")
	commandOf  = regexp.MustCompile(`facefusion\.py ([a-z]+(?:-[a-z]+)*)((?: --[a-z-]+)*)`)
	installOf  = regexp.MustCompile(`install\.py (?:--onnxruntime )?([a-z@0-9]+)`)
	choiceOf   = regexp.MustCompile("or `(cuda@[0-9]+)`")
)

// ofOthers are options of other programs that a runbook names alone.
var ofOthers = []string{"--cpus", "--gpus", "--init", "--pid", "--rm", "--workers"}

// Options and commands of FaceFusion that a runbook names exist in every release, or the line says
// from which or up to which.
func TestOptionsOfFaceFusionExist(t *testing.T) {
	text, err := os.ReadFile("testdata/facefusion-options.txt")
	require.NoError(t, err)
	releases := map[string][2]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		last := len(fields) - 1
		releases[strings.Join(fields[:last-1], " ")] = [2]string{fields[last-1], fields[last]}
	}
	require.Greater(t, len(releases), 100)
	require.Equal(t, [2]string{"3.0.0", "3.6.1"}, releases["install.py --onnxruntime"])

	files, err := filepath.Glob("../../docs/runbooks/*.md")
	require.NoError(t, err)
	named := 0
	for _, file := range files {
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(page)) {
			for _, option := range optionsIn(line) {
				named++
				has, ok := releases[option]
				require.True(t, ok, "%s: no release of FaceFusion has %q:\n%s", file, option, line)
				if has[0] > oldestRelease {
					require.Contains(t, line, "from "+strings.TrimSuffix(has[0], ".0"), "%s: %s is there from %s on", file, option, has[0])
				}
				if has[1] < newestRelease {
					require.Regexp(t, `(up )?to (FaceFusion )?`+regexp.QuoteMeta(minor(has[1])), line, "%s: %s is there up to %s", file, option, has[1])
				}
			}
		}
	}
	require.Greater(t, named, 30)
}

// optionsIn are the options of FaceFusion in a line, as testdata/facefusion-options.txt calls them.
func optionsIn(line string) (all []string) {
	for _, m := range optionSpan.FindAllStringSubmatch(line, -1) {
		if !slices.Contains(ofOthers, m[1]) {
			all = append(all, m[1])
		}
	}
	for _, m := range commandOf.FindAllStringSubmatch(line, -1) {
		all = append(all, m[1])
		all = append(all, strings.Fields(m[2])...)
	}
	for _, pattern := range []*regexp.Regexp{installOf, choiceOf} {
		for _, m := range pattern.FindAllStringSubmatch(line, -1) {
			if strings.Contains(m[0], "--onnxruntime") {
				all = append(all, "install.py --onnxruntime")
				continue
			}
			all = append(all, "install.py:"+m[1])
		}
	}
	return all
}

// minor is a release without its last number, but where that is the first with a change.
func minor(release string) string { return release[:strings.LastIndex(release, ".")] }
