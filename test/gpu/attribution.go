//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// attributionLimit is how long a process may take to be in both lists, with the same memory.
const attributionLimit = 15 * time.Second

// checkAttribution looks for the load in what the driver reports of processes, and compares that
// with nvidia-smi.
func checkAttribution(ctx context.Context, r *kitReport, l *load, handles []gpu.Handle, s *smi) error {
	verdict, detail := skipped, ""
	for begin := time.Now(); ; time.Sleep(time.Second) {
		theirs, err := s.computeApps(ctx)
		if err != nil {
			return err
		}
		ours, err := r.processes(handles)
		if err != nil {
			r.add("attribution", skipped, "the driver does not list processes: %v", err)
			return nil
		}
		verdict, detail = attribution(l, ours, theirs)
		if verdict == passed || time.Since(begin) > attributionLimit {
			break
		}
	}
	r.add("attribution", verdict, "%s", detail)
	return nil
}

// processes is the memory of each process that computes, in bytes by GPU and pid, by the calls that
// the collector makes.
func (r *kitReport) processes(handles []gpu.Handle) (map[string]map[int]uint64, error) {
	all := make(map[string]map[int]uint64)
	for i, h := range handles {
		contexts, err := h.Contexts()
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		of := make(map[int]uint64)
		for _, c := range contexts {
			of[int(c.PID)] = max(of[int(c.PID)], c.Memory)
		}
		all[r.Devices[i].UUID] = of
	}
	return all, nil
}

// attribution judges the two lists. Only processes that nvidia-smi lists are compared: the driver
// lists those that draw as well.
func attribution(l *load, ours, theirs map[string]map[int]uint64) (checkOutcome, string) {
	compared := 0
	var held uint64
	for _, uuid := range slices.Sorted(maps.Keys(theirs)) {
		for _, pid := range slices.Sorted(maps.Keys(theirs[uuid])) {
			memory, listed := ours[uuid][pid]
			switch want := theirs[uuid][pid]; {
			case !listed:
				return failed, fmt.Sprintf("nvidia-smi lists pid %d on %s, the driver does not", pid, uuid)
			case memory/mib != want/mib:
				return failed, fmt.Sprintf("pid %d on %s: nvidia-smi says %d MiB, the driver %d MiB", pid, uuid, want/mib, memory/mib)
			}
			compared++
		}
	}
	for _, of := range ours {
		held = max(held, of[l.pid])
	}
	switch {
	case held == 0:
		return skipped, fmt.Sprintf("the driver does not list pid %d: in a container it reports the pids of another namespace, or none", l.pid)
	case held < heldMegabytes*mib || held > (heldMegabytes+3072)*mib:
		// A context takes some hundred MiB of its own.
		return failed, fmt.Sprintf("%s (pid %d) holds %d MiB, the driver says %d MiB", l.kind, l.pid, heldMegabytes, held/mib)
	case compared == 0:
		return failed, fmt.Sprintf("the driver lists pid %d, nvidia-smi lists nobody", l.pid)
	}
	return passed, fmt.Sprintf("%s (pid %d) holds %d MiB, the driver says %d MiB; %d processes as nvidia-smi lists them", l.kind, l.pid, heldMegabytes, held/mib, compared)
}
