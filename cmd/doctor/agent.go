package main

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What the package installs.
const (
	agentUser    = "otelcol-facefusion"
	optionsFile  = "/etc/otelcol-facefusion/otelcol-facefusion.conf"
	packagedFile = "/etc/otelcol-facefusion/agent.yaml"
)

// agent is the collector as it runs, or as the package would run it.
type agent struct {
	pid         int // 0 while none runs
	identity    identity
	known       bool // whether identity is that of an agent
	args        []string
	environment []string
	folder      string // its working folder, to which relative names refer
	// mounts is its namespace of these, opened before it was judged; nil where it may not be.
	mounts *os.File
	// imitations look like an agent, and nothing of them is believed.
	imitations []imitation
}

// findAgent looks for a running agent first. What may not be read of it stays empty.
func findAgent(proc string, programs []os.FileInfo) agent {
	names, err := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	if err != nil {
		return agent{}
	}
	var imitations []imitation
	for _, name := range names {
		a, callsItselfOne, err := readAgent(name, programs)
		switch {
		case !callsItselfOne:
		case err != nil:
			imitations = append(imitations, imitation{filepath.Base(name), err})
		default:
			a.imitations = imitations
			return a
		}
	}
	a := packagedAgent()
	a.imitations = imitations
	return a
}

// readAgent reads a process by a descriptor of its folder: one that takes its number later is
// another process.
func readAgent(name string, programs []os.FileInfo) (a agent, callsItselfOne bool, err error) {
	held, err := os.Open(name)
	if err != nil {
		return agent{}, false, err // it has ended
	}
	defer held.Close()
	folder := fmt.Sprintf("/proc/self/fd/%d", held.Fd())
	text, err := os.ReadFile(filepath.Join(folder, "cmdline"))
	if err != nil {
		return agent{}, false, err
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if !isAgent(args) || !sameNamespace(folder, "pid") {
		return agent{}, false, nil // one in a container is for another doctor to look at
	}
	pid, _ := strconv.Atoi(filepath.Base(name)) // the pattern says digits
	a = agent{pid: pid, args: args[1:]}
	// Opened first: what is judged is what will be entered.
	mounts, err := os.Open(filepath.Join(folder, "ns/mnt"))
	if err == nil {
		a.mounts = mounts
	}
	if a.identity, err = believe(folder, programs); err != nil {
		_ = mounts.Close() // nothing was written
		return agent{}, true, err
	}
	a.known = true
	if environment, err := os.ReadFile(filepath.Join(folder, "environ")); err == nil {
		for pair := range bytes.SplitSeq(bytes.TrimSuffix(environment, []byte{0}), []byte{0}) {
			a.environment = append(a.environment, string(pair))
		}
	}
	// empty where it may not be read: names are then taken as they are
	a.folder, _ = os.Readlink(filepath.Join(folder, "cwd"))
	return a, true, nil
}

// sameNamespace says whether a process is in this one's own namespace of a kind. Of one that may
// not be looked into it is believed.
func sameNamespace(folder, kind string) bool {
	other, err := os.Readlink(filepath.Join(folder, "ns", kind))
	if err != nil {
		return true
	}
	own, err := os.Readlink(filepath.Join("/proc/self/ns", kind))
	return err != nil || own == other
}

func isAgent(args []string) bool {
	// A subcommand is no agent.
	return slices.Contains(agentNames, filepath.Base(args[0])) && len(args) > 1 && strings.HasPrefix(args[1], "-")
}

// packagedAgent is who the unit would run as.
func packagedAgent() agent {
	account, err := user.Lookup(agentUser)
	if err != nil {
		return agent{}
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return agent{}
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return agent{}
	}
	a := agent{known: true, identity: identity{uid: uid, gid: gid, capabilities: 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_DAC_READ_SEARCH}}
	text, err := os.ReadFile(optionsFile)
	if err != nil {
		return a
	}
	a.args, a.environment = parseOptions(string(text))
	return a
}

// parseOptions reads an EnvironmentFile of systemd: the options of the agent, and the rest of its
// environment.
func parseOptions(text string) (args, environment []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, found := strings.Cut(line, "=")
		if !found || line[0] == '#' || line[0] == ';' {
			continue
		}
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		if key == "OTELCOL_OPTIONS" {
			args = strings.Fields(value)
			continue
		}
		environment = append(environment, key+"="+value)
	}
	return args, environment
}
