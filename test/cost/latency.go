package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// latencyLine is what the tests of test/e2e print of a series.
var latencyLine = regexp.MustCompile(`: ([^:]+): p50 (\S+), p99 (\S+), longest (\S+) of (\d+); `)

var errNoLatency = errors.New("the tests have measured nothing")

// measureLatency runs the tests that measure latencies, on an idle machine and on a busy one, and
// the one of bursts.
func measureLatency(ctx context.Context, o options) error {
	var b strings.Builder
	b.WriteString("| event | machine | p50 | p99 | longest | of |\n|---|---|---|---|---|---|\n")
	for _, run := range []struct {
		machine   string
		computing int
	}{
		{"at rest", 0},
		{"each core computes", runtime.NumCPU()},
	} {
		output, err := goTest(ctx, o.root, []string{"FACEFUSION_LATENCY_LOAD=" + strconv.Itoa(run.computing)}, "-tags", "e2e", "-run", "AtOnce$", "./test/e2e")
		if err != nil {
			return err
		}
		found := false
		for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
			if m := latencyLine.FindStringSubmatch(lines.Text()); m != nil {
				found = true
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", m[1], run.machine, m[2], m[3], m[4], m[5])
			}
		}
		if !found {
			return errNoLatency
		}
	}
	if _, err := goTest(ctx, o.root, nil, "-run", "^TestABurstIsInTheMaximumAndItsShareInTheMean$", "./internal/gpu"); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nA burst of one second in each 15 s, over 60 scrapes: in every maximum; its share in the mean within 2 %%. Measured on %s.\n", machine())
	fmt.Print(b.String())
	if o.report == "" {
		return nil
	}
	return writeBetween(o.report, latencyBegin, latencyEnd, b.String())
}

func goTest(ctx context.Context, dir string, environment []string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-count=1", "-v"}, arguments...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environment...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%v: %w: %s", cmd.Args, err, output)
	}
	return output, nil
}
