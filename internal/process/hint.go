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
	// script, without the arguments, which may hold secrets.
	Cmdline string
}

// The reasons.
const (
	hintBeside = "a checkout is beside it, and it shows no sign of FaceFusion"
	hintName   = "its folder or its script is called like FaceFusion, and no checkout is near"
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

// hintExpression matches the words of a command line up to the script or module.
func hintExpression(argv []string) (string, bool) {
	p := programOf(argv)
	if p.kind != scriptProgram && p.kind != moduleProgram {
		return "", false
	}
	expression := "^" + regexp.QuoteMeta(strings.Join(argv[:len(argv)-len(p.args)], " ")) + "( |$)"
	return expression, len(expression) <= maxExpression
}

// resembles says whether a Python program that no rule finds is called like FaceFusion.
func (f *files) resembles(o observation) bool {
	p := programOf(o.argv)
	if p.kind != scriptProgram && p.kind != moduleProgram || p.isTool() || !f.interpreter(o) {
		return false
	}
	names := []string{p.name, o.argv[0]}
	if cwd, err := f.cwd(o.pid); err == nil {
		names = append(names, path.Base(cwd))
	}
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.ToLower(name)
		return strings.Contains(name, "facefusion") || strings.Contains(name, "face-fusion") || strings.Contains(name, "face_fusion")
	})
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
