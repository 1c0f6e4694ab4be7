package process

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// stat is what is used of /proc/<pid>/stat. procfs has a parser too; this one knows the exit code,
// which procfs leaves out, and is several times as fast, which counts at the first pass, when every
// process of the host is read.
type stat struct {
	comm         string
	state        byte
	ppid         int
	kernel       bool
	user, system uint64
	threads      int64
	start        uint64
	resident     int64 // pages
	// exitCode is in the form of waitpid. It is 0 to readers who may not look into the process.
	exitCode int
}

// ended says whether the process is over, though its parent has not fetched the exit code yet.
func (s stat) ended() bool { return s.state == 'Z' || s.state == 'X' }

// Positions after the name, that is the field's number in proc_pid_stat(5) less 3.
const (
	statState    = 0
	statPPID     = 1
	statFlags    = 6
	statUser     = 11
	statSystem   = 12
	statThreads  = 17
	statStart    = 19
	statResident = 21
	statExitCode = 49
)

// kernelThread is PF_KTHREAD, https://elixir.bootlin.com/linux/v6.18/source/include/linux/sched.h.
const kernelThread = 0x00200000

// userHZ is the unit of the kernel's times for user space: 100 on all platforms of Go, see procfs'
// proc_stat.go for the long story.
const userHZ = 100

var errStat = errors.New("not in the form of /proc/<pid>/stat")

// parseStat relies on the last parenthesis only: a process may choose a name with spaces,
// parentheses and line breaks.
func parseStat(data []byte) (stat, error) {
	open, last := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || last < open {
		return stat{}, errStat
	}
	fields := bytes.Fields(data[last+1:])
	if len(fields) <= statResident || len(fields[statState]) != 1 {
		return stat{}, errStat
	}
	s := stat{comm: string(data[open+1 : last]), state: fields[statState][0]}
	var err error
	number := func(i int) uint64 {
		v, e := strconv.ParseUint(string(fields[i]), 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("%w: field %d: %w", errStat, i+3, e)
		}
		return v
	}
	s.ppid = int(number(statPPID))
	s.kernel = number(statFlags)&kernelThread != 0
	s.user, s.system = number(statUser), number(statSystem)
	s.threads = int64(number(statThreads))
	s.start = number(statStart)
	s.resident = int64(number(statResident))
	if len(fields) > statExitCode {
		s.exitCode = int(number(statExitCode))
	}
	return s, err
}
