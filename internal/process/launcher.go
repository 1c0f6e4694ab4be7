package process

import (
	"path"
	"strings"
)

// launchers are programs that exec another one in their own place, at once or after waiting for
// something.
var launchers = setOf(
	// shells
	"sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox",
	// wrappers that set something and exec
	"env", "nice", "ionice", "chrt", "taskset", "numactl", "nohup", "setsid", "stdbuf", "time", "timeout", "prlimit", "catchsegv", "xargs",
	// wrappers that become somebody else
	"gosu", "su-exec", "setpriv", "su", "sudo", "runuser", "doas", "chroot", "unshare", "nsenter", "chpst", "softlimit",
	// first processes of containers and services
	"tini", "docker-init", "dumb-init", "catatonit", "runc", "runc:[2:INIT]", "crun", "youki", "systemd-executor", "s6-setuidgid", "s6-envdir", "execlineb",
	// package managers of Python with a command to run
	"conda", "mamba", "micromamba", "uv", "pixi", "poetry", "pipenv", "pdm", "hatch", "rye",
	// launchers of distributed programs, of instrumentation, of secrets and of displays
	"accelerate", "torchrun", "deepspeed", "horovodrun", "mpirun", "mpiexec", "srun", "ddtrace-run", "opentelemetry-instrument", "newrelic-admin", "doppler", "chamber",
	"envconsul", "vault-env", "dockerize", "wait-for-it", "wait4x", "xvfb-run", "dbus-run-session", "systemd-run", "systemd-inhibit", "bwrap", "firejail", "proot",
	// tools that wrap a program to look at it
	"strace", "ltrace", "perf", "nsys", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
)

func setOf(names ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, n := range names {
		set[n] = struct{}{}
	}
	return set
}

// mayBecome says whether a program is known to exec another in its own place. Both names of a
// process count, as scripts have their interpreter's path as argv[0] and their own name as comm.
// Parentheses are systemd's and runc's mark of a process that is about to exec.
func mayBecome(comm string, argv []string) bool {
	if launches(comm) || strings.HasPrefix(comm, "(") {
		return true
	}
	return len(argv) > 0 && launches(path.Base(argv[0]))
}

func launches(program string) bool {
	program = strings.TrimPrefix(program, "-") // a login shell
	_, ok := launchers[program]
	return ok || isPython(program)
}
