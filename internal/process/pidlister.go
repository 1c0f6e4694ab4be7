package process

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pidLister lists the processes that are new since the last pass, rather than all: listing 5,000
// processes costs the kernel many times what it costs to read the few that are FaceFusion's.
//
// The kernel gives pids in turn, and /proc/loadavg has the last one, of threads too. While that
// stands still there is no new process; when it moved, the new ones lie between, and /proc can be
// entered at a pid. What this cannot see is found by a complete listing every completeEvery: a pid
// given out of turn (restored by CRIU), and processes that have ended.
type pidLister struct {
	files   *files
	listing pidListing
	// complete is when the last complete listing was.
	complete time.Duration
	listed   bool
	// last holds the last pid of the previous pass, and of the one before.
	last [2]int
}

// completeEvery bounds how late a process can be found that the hint did not report. With 4,000
// processes a complete listing was measured at 5.3 ms, a pass without at 0.46 ms, and a pass with
// the five FaceFusion processes alone at 0.35 ms: once in 30 passes keeps the mean below twice
// that.
const completeEvery = 30 * time.Second

// read returns new processes and some that are not new, or all of them.
func (n *pidLister) read(now time.Duration) (entries []pidEntry, complete bool, err error) {
	last := n.lastPID() // before the listing: what starts in between is for the next pass
	since := n.last[1]
	if n.listed && now-n.complete < completeEvery && last > 0 && since > 0 && last >= since {
		if last == since {
			return nil, false, nil
		}
		// A process is visible a moment after it got its pid, so what is new since the pass before
		// the last is listed again.
		entries, ok, err := n.listing.between(since+1, last)
		if err != nil {
			return nil, false, err
		}
		if ok {
			n.last = [2]int{last, n.last[0]}
			return entries, false, nil
		}
	}
	entries, err = n.listing.all()
	if err != nil {
		return nil, false, err
	}
	n.complete, n.listed, n.last = now, true, [2]int{last, n.last[0]}
	return entries, true, nil
}

// lastPID is the last field of /proc/loadavg, or 0 where that is of no use: the file shows the pid
// namespace of the reader, which must be that of the listed processes, and must not be an imitation
// (lxcfs).
func (n *pidLister) lastPID() int {
	if n.files.kernel && !n.files.trusted {
		return 0
	}
	data, err := n.files.record(n.files.proc + "/loadavg")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) != 5 {
		return 0
	}
	pid, err := strconv.Atoi(string(fields[4]))
	if err != nil {
		return 0
	}
	return pid
}

// trust finds out whether loadavg speaks of the processes that are listed here: the reader finds
// itself among them, under its own pid.
func (f *files) trust() bool {
	var s unix.Statfs_t
	if err := unix.Statfs(f.proc+"/loadavg", &s); err != nil || s.Type != unix.PROC_SUPER_MAGIC {
		return false
	}
	pid := unix.Getpid()
	here, err := f.stat(pid)
	if err != nil {
		return false
	}
	own := files{proc: "/proc", buf: make([]byte, maxStat)}
	there, err := own.stat(pid)
	return err == nil && here.start == there.start && fmt.Sprint(here.ppid, here.comm) == fmt.Sprint(there.ppid, there.comm)
}
