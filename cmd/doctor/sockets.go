package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
)

// portOwner finds the process that listens on the port of an address; 0 where that may not be seen.
func portOwner(proc, address string) (pid int, name string) {
	inodes := listeningInodes(configcheck.ListenAddress{Address: address}.Port())
	if len(inodes) == 0 {
		return 0, ""
	}
	folders, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd"))
	if err != nil {
		return 0, ""
	}
	for _, folder := range folders {
		held, err := hostnet.HeldSockets(folder)
		if err != nil {
			continue // not ours to see, or gone
		}
		for _, inode := range inodes {
			if !held[inode] {
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

// listeningInodes are the sockets that listen on a port of this network namespace.
func listeningInodes(port int) (inodes []uint64) {
	listeners, err := hostnet.Listeners()
	if err != nil {
		return nil // then nobody is named
	}
	for _, l := range listeners {
		if int(l.Address.Port()) == port {
			inodes = append(inodes, uint64(l.Inode))
		}
	}
	return inodes
}
