//go:build linux && cgo

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
)

// version is set when the kit is built.
var version = "unknown"

type options struct {
	out, collector, smi, library string
	beside, energy, cycle        time.Duration
	rounds                       int
	load                         bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "hold" {
		if err := hold(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	o := options{}
	flag.StringVar(&o.out, "out", "gpu-kit-result", "the folder to write to")
	flag.StringVar(&o.collector, "collector", "otelcol-facefusion", "the collector's program")
	flag.StringVar(&o.smi, "smi", "nvidia-smi", "nvidia-smi")
	flag.StringVar(&o.library, "library", os.Getenv("NVML_LIBRARY"), "the driver's library, if it is not where the system looks")
	flag.DurationVar(&o.beside, "beside", 20*time.Second, "for how long nvidia-smi is asked beside each page: rare readings are 15 s old")
	flag.DurationVar(&o.energy, "energy", 20*time.Second, "for how long energy is compared with power")
	flag.DurationVar(&o.cycle, "cycle", 10*time.Millisecond, "what a cycle of the collector may take")
	flag.IntVar(&o.rounds, "rounds", 3, "how many pages are compared at most")
	flag.BoolVar(&o.load, "load", true, "compute on the first GPU")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx, &o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu-kit:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options, out io.Writer) (ok bool, err error) {
	if err := os.MkdirAll(o.out, 0o700); err != nil {
		return false, fmt.Errorf("make folder: %w", err)
	}
	if o.collector, err = filepath.Abs(o.collector); err != nil {
		return false, fmt.Errorf("find collector: %w", err)
	}
	r := &kitReport{Time: time.Now().UTC(), Kit: version, Kernel: kernel(), Excepted: notCompared}
	session, err := nvmldriver.New(nvmldriver.Settings{LibraryPath: o.library}).Open()
	if err != nil {
		return false, fmt.Errorf("this needs a machine with an NVIDIA GPU: %w", err)
	}
	defer func() { _ = session.Close() }() // the process ends
	versions := session.Versions()
	r.Driver, r.NVML, r.CUDA = versions.Driver, versions.NVML, versions.CUDA
	handles, err := r.devices(session)
	if err != nil {
		return false, err
	}
	s, err := newSMI(ctx, o.smi, wantedFields())
	if err != nil {
		return false, err
	}
	r.Unknown = s.unknown
	if _, err := fmt.Fprintln(out, "comparing pages with nvidia-smi, up to", time.Duration(o.rounds)*o.beside); err != nil {
		return false, fmt.Errorf("print: %w", err)
	}
	if err := r.parity(ctx, o, s); err != nil {
		return false, err
	}
	for i, h := range handles {
		if err := checkEnergy(ctx, r, h, r.Devices[i].UUID, s, o.energy); err != nil {
			return false, err
		}
	}
	checkCycles(ctx, r, o)
	if err := r.underLoad(ctx, o, handles, s); err != nil {
		return false, err
	}
	return r.done(o.out, out)
}

func (r *kitReport) done(folder string, out io.Writer) (bool, error) {
	err := r.write(folder, out)
	return r.Passed, err
}

// devices lists the GPUs, and measures what each call costs.
func (r *kitReport) devices(session gpu.Session) ([]gpu.Handle, error) {
	count, err := session.Count()
	if err != nil {
		return nil, fmt.Errorf("count GPUs: %w", err)
	}
	var handles []gpu.Handle
	for i := range min(count, 64) {
		h, err := session.Handle(i)
		if err != nil {
			return nil, fmt.Errorf("find GPU %d: %w", i, err)
		}
		id, err := h.Identity()
		if err != nil {
			return nil, fmt.Errorf("identify GPU %d: %w", i, err)
		}
		handles = append(handles, h)
		r.Devices = append(r.Devices, device{i, id.UUID, id.Name, id.PCIAddress, id.VBIOSVersion})
		r.Calls = append(r.Calls, costs(h, id.UUID)...)
	}
	if len(handles) == 0 {
		return nil, fmt.Errorf("this needs a machine with an NVIDIA GPU: %w", gpu.ErrNotFound)
	}
	r.add("calls", passed, "%d calls; the dearest: %s", len(r.Calls), dearest(r.Calls, 5))
	return handles, nil
}

// wantedFields are those of --query-gpu.
func wantedFields() (list []string) {
	for _, f := range figures {
		if f.source[0] != '/' && !slices.Contains(list, f.source) {
			list = append(list, f.source)
		}
	}
	return list
}

// parity compares pages until nothing differs, or three times.
func (r *kitReport) parity(ctx context.Context, o *options, s *smi) error {
	c, err := startCollector(ctx, o, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.stop() }() // the log says how it ended
	var rounds [][]comparison
	for range o.rounds {
		var said []map[string]smiAnswers
		for begin := time.Now(); len(said) == 0 || time.Since(begin) < o.beside; time.Sleep(500 * time.Millisecond) {
			all, err := s.ask(ctx)
			if err != nil {
				return err
			}
			said = append(said, all)
		}
		page, err := c.page(ctx)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(o.out, "metrics.txt"), []byte(page), 0o600); err != nil {
			return fmt.Errorf("keep the page: %w", err)
		}
		all, err := s.ask(ctx)
		if err != nil {
			return err
		}
		rounds = append(rounds, compare(parsePage(page), append(said, all)))
		r.Parity = better(rounds)
		if count(r.Parity, differs) == 0 {
			break
		}
	}
	r.judgeParity()
	return nil
}

func (r *kitReport) judgeParity() {
	o := passed
	// Where half of the fields had other names, nothing was learnt.
	if count(r.Parity, differs) > 0 || count(r.Parity, equal) == 0 || count(r.Parity, unasked) > len(r.Parity)/2 {
		o = failed
	}
	r.add("parity", o, "%d figures equal, %d differ, %d are not there as both say, %d are unknown to this nvidia-smi",
		count(r.Parity, equal), count(r.Parity, differs), count(r.Parity, neither), count(r.Parity, unasked))
}

func count(list []comparison, v agreement) (n int) {
	for i := range list {
		if list[i].Verdict == v {
			n++
		}
	}
	return n
}

// underLoad computes, where it can.
func (r *kitReport) underLoad(ctx context.Context, o *options, handles []gpu.Handle, s *smi) error {
	if !o.load {
		r.add("load", skipped, "not wanted")
		return nil
	}
	l, err := startLoad(ctx)
	if err != nil {
		r.add("load", skipped, "no load can be made: %v", err)
		return nil
	}
	defer l.stop()
	if err := checkAttribution(ctx, r, l, handles, s); err != nil {
		return err
	}
	return checkBurst(ctx, r, o, l)
}

func kernel() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
