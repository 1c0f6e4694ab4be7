package process

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clock turns the kernel's start times (ticks after boot) into ages and wall-clock times.
//
// Ages come from the time since boot, which no one can set. The moment of the boot on the wall
// clock is kept, so that a process keeps its start time to the nanosecond, until the wall clock was
// set: then it follows.
type clock struct {
	boot   time.Time
	uptime time.Duration
}

// stepped is by how much the wall clock must differ to have been set; NTP's slewing stays far below
// within the life of most processes.
const stepped = time.Second

func (c *clock) read(f *files, now time.Time) error {
	if !f.kernel {
		return c.readTree(f)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return fmt.Errorf("read time since boot: %w", err)
	}
	c.uptime = time.Duration(ts.Nano())
	// Round strips the monotonic clock, which would hide the step
	boot := now.Round(0).Add(-c.uptime)
	if d := boot.Sub(c.boot); d > stepped || d < -stepped {
		c.boot = boot
	}
	return nil
}

// readTree reads a tree that a test built, which has a clock of its own.
func (c *clock) readTree(f *files) error {
	data, err := f.read(f.proc+"/uptime", maxStat)
	if err != nil {
		return fmt.Errorf("read time since boot: %w", err)
	}
	seconds, _, _ := bytes.Cut(data, []byte(" "))
	up, err := strconv.ParseFloat(string(seconds), 64)
	if err != nil {
		return fmt.Errorf("read time since boot: %w", err)
	}
	c.uptime = time.Duration(up * float64(time.Second))
	s, err := f.fs.Stat()
	if err != nil {
		return fmt.Errorf("read time of boot: %w", err)
	}
	c.boot = time.Unix(int64(s.BootTime), 0)
	return nil
}

// started is the wall-clock time of a start.
func (c *clock) started(ticks uint64) time.Time { return c.boot.Add(sinceBoot(ticks)) }

// age is 0 for a process that started just now, in the tick of the reading.
func (c *clock) age(ticks uint64) time.Duration { return max(0, c.uptime-sinceBoot(ticks)) }

func sinceBoot(ticks uint64) time.Duration { return time.Duration(ticks) * (time.Second / userHZ) }
