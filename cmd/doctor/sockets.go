package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portOwner finds the process that listens on the port of an address; 0 where that may not be seen.
func portOwner(proc, address string) (pid int, name string) {
	inodes := listeningInodes(portOf(address))
	if len(inodes) == 0 {
		return 0, ""
	}
	folders, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd"))
	if err != nil {
		return 0, ""
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // not ours to see, or gone
		}
		for _, entry := range entries {
			target, err := os.Readlink(filepath.Join(folder, entry.Name()))
			if err != nil || !inodes[target] {
				continue
			}
			process := filepath.Dir(folder)
			pid, _ = strconv.Atoi(filepath.Base(process))          // the pattern says digits
			comm, _ := os.ReadFile(filepath.Join(process, "comm")) // empty if it is gone
			return pid, strings.TrimSpace(string(comm))
		}
	}
	return 0, ""
}

// listeningInodes are the sockets that listen on a port of this network namespace, as the links in
// /proc/<pid>/fd name them.
func listeningInodes(port int) map[string]bool {
	const listen = "0A" // TCP_LISTEN
	inodes := make(map[string]bool)
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // without IPv6 there is no second one
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != listen {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if number, err := strconv.ParseInt(hex, 16, 32); err == nil && int(number) == port {
				inodes["socket:["+fields[9]+"]"] = true
			}
		}
	}
	return inodes
}
