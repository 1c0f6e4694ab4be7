package process

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Hint is a Python program that looks like FaceFusion, and that no rule finds. It is for the log of
// this host alone: its text is that of a command line.
type Hint struct {
	PID int
	// UID is its user; of subordinate users he whose they are.
	UID int
	// Reason is why it looks like that.
	Reason string
	// Cmdline is an expression for instances[].match.cmdline that it fits: its interpreter and its
	// script, without the arguments, which may hold secrets. It is empty where all that tells it
	// from others is a text that may: that of -c.
	Cmdline string
}

// The reasons.
const (
	hintBeside = "a checkout is beside it, and it shows no sign of FaceFusion"
	hintName   = "its folder or its script is called like FaceFusion, and no checkout is near"
	// These are those of ruleMatch.hint.
	hintShared  = "it has FaceFusion's runtime, and a checkout is in its working directory, which is a folder of everybody"
	hintNested  = "a checkout is two levels below its folder"
	hintCommand = "it has FaceFusion's runtime, and is the text of a command line (-c) in a checkout"
	hintBinary  = "its program is called like FaceFusion, and is no Python"
)

// How many are kept, of a user and in all: on a host full of them the first are enough, and no user
// hides those of another.
const (
	maxUserHints = 8
	maxHints     = 128
)

// hint notes a process that looks near.
func (t *Table) hint(o observation, reason string) {
	if len(t.hints) >= maxHints || t.hints[o.pid].PID != 0 {
		return
	}
	uid, own := t.files.userOf(o.pid), 0
	for _, h := range t.hints {
		if h.UID == uid {
			own++
		}
	}
	if own >= maxUserHints {
		return
	}
	if expression, ok := hintExpression(o.argv); ok {
		t.hints[o.pid] = Hint{PID: o.pid, UID: uid, Reason: reason, Cmdline: expression}
	}
}

// maxExpression bounds the expression of a hint: a command line may have 128 KiB, and nobody copies
// those into a configuration.
const maxExpression = 512

// hintExpression matches the words of a command line up to the script or module. It is empty where
// they say nothing of the program.
func hintExpression(argv []string) (string, bool) {
	if len(argv) == 0 {
		return "", false
	}
	p := programOf(argv)
	words := argv[:max(1, len(argv)-len(p.args))]
	switch {
	case p.kind == commandProgram:
		return "", true // what fits without its text fits every other -c of the host
	case !isPython(path.Base(argv[0])) && !embeds(path.Base(argv[0])):
		words = argv[:1]
	case p.kind == noProgram:
		return "", false
	}
	expression := "^" + regexp.QuoteMeta(strings.Join(words, " ")) + "( |$)"
	return expression, len(expression) <= maxExpression
}

// suspect says why a process that no rule finds may be FaceFusion: it is called like that.
func (f *files) suspect(o observation) string {
	if len(o.argv) == 0 {
		return ""
	}
	if !f.interpreter(o) {
		if name := path.Base(o.argv[0]); resembles(name) && !strings.HasPrefix(name, "otelcol") {
			return hintBinary
		}
		return ""
	}
	p := programOf(o.argv)
	if p.kind != scriptProgram && p.kind != moduleProgram || p.isTool() {
		return ""
	}
	names := []string{p.name, o.argv[0]}
	if cwd, err := f.cwd(o.pid); err == nil {
		names = append(names, path.Base(cwd))
	}
	if slices.ContainsFunc(names, resembles) {
		return hintName
	}
	return ""
}

// currentHints are those of processes that live and are in no instance.
func (t *Table) currentHints() []Hint {
	var list []Hint
	for pid, h := range t.hints {
		if !t.outside(pid) {
			delete(t.hints, pid)
			continue
		}
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Hint) int { return cmp.Compare(a.PID, b.PID) })
	return list
}
