package fakeproc

import (
	"os"
	"os/exec"
	"syscall"
)

// Command prepares a fake process: a copy of program with the given command line. The kernel kills
// it when its parent ends, even by SIGKILL.
func Command(program string, args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: program,
		Args: args,
		Env:  append(os.Environ(), environment),
		// The kernel sends it when the parent's *thread* ends; Go ends no thread that no goroutine
		// was locked to.
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
}

// Self is this program's own file, also after it was replaced on disk: it is resolved by the copy,
// which is still the same program then.
const Self = "/proc/self/exe"

// child is a running ffmpeg or curl. It works until its standard input ends, as ffmpeg does with -i
// pipe:0.
type child struct {
	cmd *exec.Cmd
	end func() error
}

func startChild(args ...string) (*child, error) {
	cmd := Command(Self, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &child{cmd: cmd, end: stdin.Close}, cmd.Start()
}

func (c *child) stop() {
	_ = c.end()
	_ = c.cmd.Wait() // it may have been killed, which is not an error
}
