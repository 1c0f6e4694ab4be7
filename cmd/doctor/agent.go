package main

import (
	"bytes"
	"os"
	"os/user"
	"path/filepath"
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
}

// findAgent looks for a running agent first. What may not be read of it stays empty.
func findAgent(proc string) agent {
	names, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "cmdline"))
	if err != nil {
		return agent{}
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		if !isAgent(args) {
			continue
		}
		folder := filepath.Dir(name)
		if !sameNamespace(folder, "pid") {
			continue // it is in a container, where another doctor has to look
		}
		pid, _ := strconv.Atoi(filepath.Base(folder)) // the pattern says digits
		a := agent{pid: pid, args: args[1:]}
		a.identity, err = readIdentity(folder)
		a.known = err == nil
		if environment, err := os.ReadFile(filepath.Join(folder, "environ")); err == nil {
			for _, pair := range bytes.Split(bytes.TrimSuffix(environment, []byte{0}), []byte{0}) {
				a.environment = append(a.environment, string(pair))
			}
		}
		// empty where it may not be read: names are then taken as they are
		a.folder, _ = os.Readlink(filepath.Join(folder, "cwd"))
		return a
	}
	return packagedAgent()
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
	base := filepath.Base(args[0])
	if base != "otelcol-facefusion" && base != "otelcol-facefusion-full" {
		return false
	}
	// A subcommand is no agent.
	return len(args) > 1 && strings.HasPrefix(args[1], "-")
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
