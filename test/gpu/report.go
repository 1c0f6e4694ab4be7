//go:build linux && cgo

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kitReport is the JSON that is written.
type kitReport struct {
	Time     time.Time    `json:"time"`
	Kit      string       `json:"kit"`
	Kernel   string       `json:"kernel"`
	Driver   string       `json:"driver"`
	NVML     string       `json:"nvml"`
	CUDA     string       `json:"cuda"`
	Devices  []device     `json:"devices"`
	Passed   bool         `json:"passed"`
	Checks   []check      `json:"checks"`
	Parity   []comparison `json:"parity"`
	Unknown  []string     `json:"nvidia_smi_does_not_know,omitempty"`
	Excepted labelSet     `json:"not_compared"`
	Calls    []callCost   `json:"calls"`
}

type device struct {
	Index int    `json:"index"`
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	PCI   string `json:"pci"`
	VBIOS string `json:"vbios"`
}

// check is one of the steps.
type check struct {
	Name    string       `json:"name"`
	Outcome checkOutcome `json:"outcome"`
	Detail  string       `json:"detail"`
}

type checkOutcome string

const (
	passed  checkOutcome = "passed"
	failed  checkOutcome = "failed"
	skipped checkOutcome = "skipped"
)

// callCost is the time of one call into the driver's library.
type callCost struct {
	GPU    string `json:"gpu"`
	Call   string `json:"call"`
	Micros int64  `json:"us"`
	Answer string `json:"answer"`
	Err    string `json:"error,omitempty"`
}

func (r *kitReport) add(name string, o checkOutcome, format string, args ...any) {
	r.Checks = append(r.Checks, check{name, o, fmt.Sprintf(format, args...)})
}

// write judges, writes the JSON and prints the summary.
func (r *kitReport) write(folder string, out io.Writer) error {
	r.Passed = len(r.Checks) > 0
	for _, c := range r.Checks {
		r.Passed = r.Passed && c.Outcome != failed
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	path := filepath.Join(folder, "gpu-kit.json")
	if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	var summary strings.Builder
	fmt.Fprintf(&summary, "driver %s, NVML %s, CUDA %s\n", r.Driver, r.NVML, r.CUDA)
	for _, d := range r.Devices {
		fmt.Fprintf(&summary, "GPU %d: %s, %s, %s\n", d.Index, d.Name, d.PCI, d.UUID)
	}
	for _, c := range r.Parity {
		if c.Verdict == differs {
			fmt.Fprintf(&summary, "differs: %s %s%v: nvidia-smi %s says %q, the page %s. %s\n", c.GPU, c.Metric, c.Labels, c.Source, c.Theirs, c.Ours, c.Why)
		}
	}
	for _, c := range r.Checks {
		fmt.Fprintf(&summary, "%-8s %s: %s\n", c.Outcome, c.Name, c.Detail)
	}
	verdict := "PASSED"
	if !r.Passed {
		verdict = "FAILED"
	}
	fmt.Fprintf(&summary, "%s; written to %s\n", verdict, path)
	_, err = io.WriteString(out, summary.String())
	return err
}
