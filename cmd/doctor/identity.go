package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity is what the kernel asks for when a process looks at another one.
type identity struct {
	uid, gid     int
	groups       []int
	capabilities uint64 // effective
}

// readIdentity reads that of a process; folder is for example /proc/self.
func readIdentity(folder string) (identity, error) {
	file, err := os.Open(filepath.Join(folder, "status"))
	if err != nil {
		return identity{}, err
	}
	defer file.Close()
	var id identity
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		switch {
		case key == "Uid" && len(fields) > 1:
			id.uid, err = strconv.Atoi(fields[1]) // the effective one
		case key == "Gid" && len(fields) > 1:
			id.gid, err = strconv.Atoi(fields[1])
		case key == "CapEff" && len(fields) > 0:
			id.capabilities, err = strconv.ParseUint(fields[0], 16, 64)
		case key == "Groups":
			for _, field := range fields {
				var group int
				if group, err = strconv.Atoi(field); err == nil {
					id.groups = append(id.groups, group)
				}
			}
		}
		if err != nil {
			return identity{}, fmt.Errorf("parse %s of %s: %w", key, folder, err)
		}
	}
	return id, lines.Err()
}

// The capabilities that matter here; the kernel's headers have the numbers.
var capabilityNames = map[int]string{
	unix.CAP_DAC_READ_SEARCH: "CAP_DAC_READ_SEARCH",
	unix.CAP_SYS_PTRACE:      "CAP_SYS_PTRACE",
	unix.CAP_SYSLOG:          "CAP_SYSLOG",
}

func (id identity) has(capability int) bool { return id.capabilities&(1<<capability) != 0 }

// ambient are the capabilities in a form that a new process can be given.
func (id identity) ambient() (list []uintptr) {
	for capability := range 64 {
		if id.has(capability) {
			list = append(list, uintptr(capability))
		}
	}
	return list
}

func (id identity) String() string {
	var names []string
	for number, name := range capabilityNames {
		if id.has(number) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		names = []string{"no capability that helps"}
	}
	return fmt.Sprintf("uid %d, gid %d, %s", id.uid, id.gid, strings.Join(names, ", "))
}
