package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// imitation is a process that calls itself as the agent does, and why it is not taken for one.
type imitation struct {
	pid string
	why error
}

// mayHave are the capabilities that the unit of the package gives, or may give. No other one is
// handed on, whatever an agent has.
const mayHave = 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_SYSLOG

// agentNames are the programs of the agent.
var agentNames = []string{"otelcol-facefusion", "otelcol-facefusion-full"}

// agentPrograms are those that an agent may be: the ones beside this program, and those of the
// package.
func agentPrograms() (programs []os.FileInfo) {
	folders := []string{"/usr/bin"}
	if own, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(own))
	}
	for _, folder := range folders {
		for _, name := range agentNames {
			if info, err := os.Stat(filepath.Join(folder, name)); err == nil {
				programs = append(programs, info)
			}
		}
	}
	return programs
}

// believe says who an agent is. What it calls itself is its own choice, and so are the mounts, the
// environment and the capabilities within a user namespace that a user makes for himself: root does
// as it does only if its program, its user namespace and its user are those of an agent.
func believe(folder string, programs []os.FileInfo) (identity, error) {
	exe, err := os.Stat(filepath.Join(folder, "exe"))
	switch {
	case errors.Is(err, os.ErrPermission):
		return identity{}, errUnseen
	case err != nil:
		return identity{}, err
	case !slices.ContainsFunc(programs, func(p os.FileInfo) bool { return os.SameFile(p, exe) }):
		name, _ := os.Readlink(filepath.Join(folder, "exe")) // for the reader only
		return identity{}, fmt.Errorf("its program is %s, and not the one beside this doctor or that of the package", name)
	}
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return identity{}, err
	}
	if other, err := os.Readlink(filepath.Join(folder, "ns/user")); err != nil || own != other {
		return identity{}, errors.New("it is in a user namespace of its own")
	}
	id, err := readIdentity(folder)
	if err != nil {
		return identity{}, err
	}
	if !isOfService(id.uid, folder) {
		return identity{}, fmt.Errorf("its user, %d, is neither root nor %s nor the one who runs this, and it is in no service of the system", id.uid, agentUser)
	}
	id.capabilities &= mayHave
	return id, nil
}

// errUnseen is of a process that this one may not look into.
var errUnseen = errors.New("what program it is may not be seen")

// isOfService says whether a process is that of root, of whoever runs this, of the package's user,
// or of another user for whom systemd runs it: nobody puts himself below system.slice.
func isOfService(uid int, folder string) bool {
	if uid == 0 || uid == os.Geteuid() {
		return true
	}
	if account, err := user.Lookup(agentUser); err == nil && account.Uid == strconv.Itoa(uid) {
		return true
	}
	groups, err := os.ReadFile(filepath.Join(folder, "cgroup"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(groups)) {
		// 0::/system.slice/otelcol-facefusion.service, or that of systemd in the first version
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && (fields[1] == "" || fields[1] == "name=systemd") && strings.HasPrefix(fields[2], "/system.slice/otelcol-facefusion") {
			return true
		}
	}
	return false
}

// shownImitations is how many are told of: anybody can start as many as he likes.
const shownImitations = 3

func checkImitations(imitations []imitation) (findings []finding) {
	for i, one := range imitations {
		if i == shownImitations {
			return append(findings, finding{"privileges", Warning, "agent", fmt.Sprintf("%d more look like an agent, and are not taken for one", len(imitations)-i), ""})
		}
		f := finding{"privileges", Warning, "agent", fmt.Sprintf("pid %s looks like an agent, and is not taken for one: %s", one.pid, one.why), "restart the agent if its program was replaced under it; else find out who started this (ps -o user,args)"}
		if errors.Is(one.why, errUnseen) {
			f.Status, f.Remedy = Info, "run this as root: until then, what the package installed is looked at"
		}
		findings = append(findings, f)
	}
	return findings
}

// checkLoading says what of the agent's environment is not taken over, and matters.
func checkLoading(environment []string) []finding {
	for _, pair := range environment {
		if path, found := strings.CutPrefix(pair, "LD_LIBRARY_PATH="); found && path != os.Getenv("LD_LIBRARY_PATH") {
			return []finding{{"privileges", Info, "environment", "the agent has LD_LIBRARY_PATH=" + path + ": what changes how programs are loaded is not taken over, and the GPUs are looked at without it", "give the library in gpu.library_path"}}
		}
	}
	return nil
}
