package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// inherited marks a program that become started, and names the account.
const inherited = "FACEFUSION_DOCTOR_CHECKED_AS"

// outside tells it that it stands in a folder of other mounts than its own.
const outside = "FACEFUSION_DOCTOR_OUTSIDE"

// become runs this program again with the agent's environment, and returns its exit code. Root does
// so with its user, groups, capabilities and, if it runs, its mounts. own counts more than what the
// agent has, or less.
func become(a agent, program string, o options, own []string, ownFirst bool) (int, error) {
	// The namespace of mounts is that of a thread. This one is not used for anything else any more:
	// it ends with the goroutine, which does not unlock it.
	type result struct {
		code int
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		code, err := rerun(a, program, o, own, ownFirst)
		done <- result{code, err}
	}()
	r := <-done
	return r.code, r.err
}

func rerun(a agent, program string, o options, own []string, ownFirst bool) (int, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	as := "the user of the package"
	if a.pid != 0 {
		as = "the running agent, pid " + strconv.Itoa(a.pid)
	}
	path, attributes := "/proc/self/fd/3", &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		if a.pid != 0 && a.mounts == nil {
			return 0, errors.New("the mounts of the agent may not be seen")
		}
		entered, err := enterMounts(a.mounts)
		if err != nil {
			return 0, fmt.Errorf("enter the mounts of the agent: %w", err)
		}
		if entered {
			// By this host's own /proc, in which the thread stands: that of the other mounts may be
			// anything.
			path = "self/fd/3"
			own = append(own, outside+"=1")
		}
		if a.identity.uid != 0 {
			attributes = a.identity.attributes()
		}
	}
	environment := overlay(own, passOn(a.environment, o))
	if ownFirst {
		environment = overlay(passOn(a.environment, o), own)
	}
	//nolint:gosec // path is this program, and of the agent's environment passOn takes nothing that changes how it loads
	child, err := os.StartProcess(path, append([]string{program}, o.arguments()...), &os.ProcAttr{
		Env:   append(environment, inherited+"="+as),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, file},
		Sys:   attributes,
	})
	if err != nil {
		return 0, fmt.Errorf("run as the agent: %w", err)
	}
	state, err := child.Wait()
	if err != nil {
		return 0, err
	}
	return state.ExitCode(), nil
}

// attributes are those of a process with this identity.
func (id identity) attributes() *syscall.SysProcAttr {
	groups := make([]uint32, 0, len(id.groups))
	for _, group := range id.groups {
		groups = append(groups, uint32(group))
	}
	return &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid), Groups: groups},
		AmbientCaps: id.ambient(),
		// It has no terminal to write commands into, and ends with whoever started it.
		Setsid:    true,
		Pdeathsig: syscall.SIGKILL,
	}
}

// enterMounts moves this thread into mounts, and says whether it did. The thread then stands in the
// /proc from which it comes.
func enterMounts(mounts *os.File) (entered bool, err error) {
	if mounts == nil {
		return false, nil
	}
	var own, other unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/mnt", &own); err != nil {
		return false, err
	}
	if err := unix.Fstat(int(mounts.Fd()), &other); err != nil {
		return false, err
	}
	if own.Dev == other.Dev && own.Ino == other.Ino {
		return false, nil
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return false, err
	}
	defer proc.Close()
	// A thread that shares its working folder with others may not leave their mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return false, err
	}
	if err := unix.Setns(int(mounts.Fd()), unix.CLONE_NEWNS); err != nil {
		return false, err
	}
	return true, unix.Fchdir(int(proc.Fd()))
}
