package process

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"strconv"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// resourceUsage is what one process uses: totals since its start, and what it holds now.
type resourceUsage struct {
	user, system             uint64 // ticks
	read, write              reading.Value[int64]
	resident, threads, files reading.Value[int64]
}

// measure reads what a live process uses. What went wrong in between stays as it was: totals must
// not fall, and the next pass will see that it is gone.
func (f *files) measure(m *trackedProcess, s stat) {
	m.used.cpu(s)
	m.used.threads = reading.Known(s.threads)
	m.used.resident = reading.Known(s.resident * int64(os.Getpagesize()))
	read, write, err := f.storage(m.PID)
	m.deny(deniedIO, err)
	if err == nil {
		m.used.read = larger(m.used.read, read)
		m.used.write = larger(m.used.write, write)
	}
	n, err := f.descriptors(m.PID)
	m.deny(deniedFiles, err)
	if err == nil {
		m.used.files = reading.Known(n)
	}
}

var errIO = errors.New("not in the form of /proc/<pid>/io")

// storage is what a process has had read from storage and written to it.
func (f *files) storage(pid int) (read, write int64, err error) {
	data, err := f.record(f.path(pid, "io"))
	if err != nil {
		return 0, 0, err
	}
	number := func(name string) int64 {
		_, rest, ok := bytes.Cut(data, []byte("\n"+name+": "))
		digits, _, _ := bytes.Cut(rest, []byte("\n"))
		n, parsing := strconv.ParseInt(string(digits), 10, 64)
		if !ok || parsing != nil {
			err = errIO
		}
		return n
	}
	read, write = number("read_bytes"), number("write_bytes")
	return read, write, err
}

// cpu can be read of a zombie, too.
func (u *resourceUsage) cpu(s stat) {
	u.user, u.system = max(u.user, s.user), max(u.system, s.system)
}

// seconds of CPU time.
func (u *resourceUsage) seconds() float64 { return float64(u.user+u.system) / userHZ }

func larger(v reading.Value[int64], n int64) reading.Value[int64] {
	return reading.Known(max(v.V, n))
}

// since returns the totals less those of an earlier usage of the same process.
func (u resourceUsage) since(earlier resourceUsage) resourceUsage {
	u.user -= earlier.user
	u.system -= earlier.system
	u.read.V -= earlier.read.V
	u.write.V -= earlier.write.V
	return u
}

// roleTotals is what is kept of a role: what its ended processes had used, how many started, and
// how they ended.
type roleTotals struct {
	starts       uint64
	exits        map[ExitReason]uint64
	user, system uint64
	read, write  reading.Value[int64]
}

// retire adds what a process had used until it ended, or took another role.
func (t *roleTotals) retire(u resourceUsage) {
	t.user += u.user
	t.system += u.system
	t.read = reading.AddKnown(t.read, u.read)
	t.write = reading.AddKnown(t.write, u.write)
}

// sum builds what is published of a role out of its tally and its live processes. A sum is unknown
// when a part of it is.
func (t *roleTotals) sum(role Role, live []*trackedProcess, c *clock) RoleUsage {
	u := RoleUsage{Role: role, Count: len(live), Starts: t.starts, Exits: maps.Clone(t.exits)}
	user, system := t.user, t.system
	read, write, files := t.read, t.write, reading.Known(int64(0))
	blindIO, blindFiles := false, false
	for _, m := range live {
		used := m.used.since(m.before)
		user, system = user+used.user, system+used.system
		read, write, files = reading.AddKnown(read, used.read), reading.AddKnown(write, used.write), reading.AddKnown(files, used.files)
		u.ResidentMemory += used.resident.V
		u.Threads += used.threads.V
		blindIO = blindIO || m.denied&deniedIO != 0
		blindFiles = blindFiles || m.denied&deniedFiles != 0
		if started := c.started(m.StartTicks); u.OldestStart.IsZero() || started.Before(u.OldestStart) {
			u.OldestStart = started
		}
	}
	u.CPUUser, u.CPUSystem = seconds(user), seconds(system)
	if !blindIO {
		u.ReadBytes, u.WriteBytes = read, write
	}
	if !blindFiles {
		u.FileDescriptors = files
	}
	return u
}

func seconds(ticks uint64) float64 { return float64(ticks) / userHZ }
