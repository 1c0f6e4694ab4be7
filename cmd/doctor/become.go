package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// inherited marks a program that become started, and names the account.
const inherited = "FACEFUSION_DOCTOR_CHECKED_AS"

// become runs this program again with the agent's environment, and returns its exit code. Root does
// so with its user, groups, capabilities and, if it runs, its mounts. A library path counts only
// for a program that begins with it.
func become(a agent, args, environment []string) (int, error) {
	// The namespace of mounts is that of a thread. This one is not used for anything else any more:
	// it ends with the goroutine, which does not unlock it.
	type result struct {
		code int
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		code, err := rerun(a, args, environment)
		done <- result{code, err}
	}()
	r := <-done
	return r.code, r.err
}

func rerun(a agent, args, environment []string) (int, error) {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	defer program.Close()
	as := "the user of the package"
	if a.pid != 0 {
		as = "the running agent, pid " + strconv.Itoa(a.pid)
	}
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		if a.pid != 0 {
			if err := enterMounts(a.pid); err != nil {
				return 0, fmt.Errorf("enter the mounts of the agent: %w", err)
			}
		}
		if a.identity.uid != 0 {
			attributes = a.identity.attributes()
		}
	}
	child, err := os.StartProcess("/proc/self/fd/3", args, &os.ProcAttr{
		Env:   append(environment, inherited+"="+as),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, program},
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
	}
}

// enterMounts moves this thread into the mounts of a process.
func enterMounts(pid int) error {
	own, err := os.Readlink("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	path := filepath.Join("/proc", strconv.Itoa(pid), "ns/mnt")
	other, err := os.Readlink(path)
	if err != nil || own == other {
		return err
	}
	namespace, err := os.Open(path)
	if err != nil {
		return err
	}
	defer namespace.Close()
	// A thread that shares its working folder with others may not leave their mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNS)
}
