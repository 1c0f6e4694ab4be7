package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Namespace is how the processes below a root's /proc look to this very process: a library that
// speaks of pids may mean those of the host's /proc, or those of the namespace that it was called
// in. In a container the two differ.
//
// One goroutine at a time may use it.
type Namespace struct {
	proc  string
	files files
	// depth is how many namespaces below that of proc this process is; -1 when proc does not know
	// it.
	depth int
	link  string
}

// OwnNamespace finds this process below the root's /proc. /proc/self of a mount from an outer
// namespace is the process as it looks from there.
func OwnNamespace(root string) Namespace {
	proc := filepath.Join(root, "proc")
	n := Namespace{proc: proc, files: files{proc: proc, buf: make([]byte, maxStat)}, depth: -1}
	if pids := n.pids("self"); len(pids) > 0 {
		n.depth = len(pids) - 1
	}
	n.link, _ = os.Readlink(filepath.Join(n.proc, "self/ns/pid")) // empty translates nothing
	return n
}

// Nested says whether this process is in a namespace below that of /proc.
func (n *Namespace) Nested() bool { return n.depth > 0 }

// Holds says whether a pid of /proc is a process with a program, now. A kernel thread has none.
func (n *Namespace) Holds(pid int) bool {
	s, err := n.files.stat(pid)
	return err == nil && !s.kernel
}

// Reused says whether another process has the pid of /proc that a process had. One that has ended,
// and whose pid nobody has, does not count.
func (n *Namespace) Reused(id ID) bool {
	s, err := n.files.stat(id.PID)
	return err == nil && s.start != id.StartTicks
}

// Inner is what a process of /proc is called in this process's own namespace. It cannot be known of
// one that may not be looked into.
func (n *Namespace) Inner(pid int) (int, bool) {
	if n.depth == 0 {
		return pid, true
	}
	name := strconv.Itoa(pid)
	pids := n.pids(name)
	if n.depth < 0 || len(pids) != n.depth+1 || n.link == "" {
		return 0, false
	}
	// Two containers have the same pids on the same level.
	if link, err := os.Readlink(filepath.Join(n.proc, name, "ns/pid")); err != nil || link != n.link {
		return 0, false
	}
	return pids[n.depth], true
}

// pids reads NSpid of /proc/<pid>/status: the pid in each namespace, from that of /proc inwards
// (proc_pid_status(5), Linux 4.1).
func (n *Namespace) pids(name string) []int {
	data, err := os.ReadFile(filepath.Join(n.proc, name, "status"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		list, found := strings.CutPrefix(line, "NSpid:")
		if !found {
			continue
		}
		var pids []int
		for field := range strings.FieldsSeq(list) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil
			}
			pids = append(pids, pid)
		}
		return pids
	}
	return nil
}
