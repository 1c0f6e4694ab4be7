package main

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

const capabilitiesRemedy = "run it with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (the unit of the package does), or as the user and group of FaceFusion"

// checkIdentity says what these eyes may see of the processes of others.
func checkIdentity(root string, id identity) []finding {
	var findings []finding
	switch ptrace, read := id.has(unix.CAP_SYS_PTRACE), id.has(unix.CAP_DAC_READ_SEARCH); {
	case ptrace && read:
		findings = append(findings, finding{"privileges", OK, "capabilities", "FaceFusion of every user is seen whole", ""})
	case ptrace:
		findings = append(findings, finding{"privileges", Warning, "capabilities", "without CAP_DAC_READ_SEARCH, files that others may not read stay closed: versions, jobs", capabilitiesRemedy})
	default:
		findings = append(findings, finding{"privileges", Info, "capabilities", "of a FaceFusion of another user, neither version nor jobs are seen", capabilitiesRemedy})
	}
	if mode := hidepid(filepath.Join(root, "proc")); mode != "" && !id.has(unix.CAP_SYS_PTRACE) {
		findings = append(findings, finding{"privileges", Failure, "hidepid", "/proc is mounted with hidepid=" + mode + ": processes of others are not there at all", "give the agent CAP_SYS_PTRACE, or add it to the group of the gid= option of that mount"})
	}
	namespace := process.OwnNamespace(root)
	switch {
	case namespace.Nested() && root == "/":
		findings = append(findings, finding{"privileges", Warning, "pid namespace", "this is a container with processes of its own: those of the host are not seen", "share the host's pid namespace (docker run --pid=host, hostPID: true)"})
	case namespace.Nested():
		findings = append(findings, finding{"privileges", Warning, "pid namespace", "the host's processes are seen, but the driver speaks of other pids than /proc does: GPUs are not attributed", "share the host's pid namespace (docker run --pid=host, hostPID: true)"})
	}
	return findings
}

// hidepid returns the option of that name with which /proc is mounted, if it hides anything.
func hidepid(proc string) string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	return parseHidepid(string(mounts), proc)
}

func parseHidepid(mounts, proc string) (mode string) {
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[1] != filepath.Clean(proc) || fields[2] != "proc" {
			continue
		}
		mode = "" // of several mounts the last one counts
		for option := range strings.SplitSeq(fields[3], ",") {
			if value, found := strings.CutPrefix(option, "hidepid="); found && value != "0" && value != "off" && value != "1" && value != "noaccess" {
				mode = value
			}
		}
	}
	return mode
}
