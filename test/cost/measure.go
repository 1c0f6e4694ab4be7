package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processUsage is what one process has used since its start, and what it holds now.
type processUsage struct {
	cpu      time.Duration // of its threads and of the children it has waited for
	wakeups  uint64        // voluntary context switches of its threads
	rss, pss uint64        // bytes
}

// read reads a process. CPU of threads that have ended between two readings is missing from
// schedstat, so the larger of the two sources counts: stat has whole ticks of everything, schedstat
// has nanoseconds of what lives.
func read(pid int) (processUsage, error) {
	var r processUsage
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	tasks, err := os.ReadDir(filepath.Join(folder, "task"))
	if err != nil {
		return r, err
	}
	for _, task := range tasks {
		thread := filepath.Join(folder, "task", task.Name())
		if schedstat, err := os.ReadFile(filepath.Join(thread, "schedstat")); err == nil {
			var running int64
			if _, err := fmt.Sscan(string(schedstat), &running); err != nil {
				return r, err
			}
			r.cpu += time.Duration(running)
		}
		status, err := os.ReadFile(filepath.Join(thread, "status"))
		if err != nil {
			continue // the thread has ended
		}
		r.wakeups += field(string(status), "voluntary_ctxt_switches:")
	}
	threads, children, err := ticks(folder)
	if err != nil {
		return r, err
	}
	r.cpu = max(r.cpu, threads) + children
	rollup, err := os.ReadFile(filepath.Join(folder, "smaps_rollup"))
	if err != nil {
		return r, err
	}
	r.rss, r.pss = field(string(rollup), "Rss:")*1024, field(string(rollup), "Pss:")*1024
	return r, nil
}

// ticks returns the CPU time of a process's threads and of its children, in ticks of 10 ms (USER_HZ
// is 100 on every Linux that Go runs on).
func ticks(folder string) (threads, children time.Duration, err error) {
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0, 0, err
	}
	// The name, in parentheses, may have blanks and parentheses.
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, 0, fmt.Errorf("%s/stat has %d fields", folder, len(fields))
	}
	var values [4]int64
	for i := range values {
		if values[i], err = strconv.ParseInt(fields[11+i], 10, 64); err != nil {
			return 0, 0, err
		}
	}
	const tick = 10 * time.Millisecond
	return time.Duration(values[0]+values[1]) * tick, time.Duration(values[2]+values[3]) * tick, nil
}

// field returns the number after a name at the start of a line; 0 where there is none.
func field(text, name string) uint64 {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			// the kernel writes a number
			value, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return value
		}
	}
	return 0
}
