package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is what one subject used in the window.
type row struct {
	subject  *subject
	cpu      time.Duration // for each interval
	wakeups  float64       // a second
	rss, pss uint64
	page     int64
	failed   int64
}

type table struct {
	rows     []row
	interval time.Duration
	window   time.Duration
}

func compare(all []*subject, before, after []processUsage, window, interval time.Duration) table {
	t := table{interval: interval, window: window}
	for i, s := range all {
		t.rows = append(t.rows, row{
			subject: s,
			cpu:     time.Duration(float64(after[i].cpu-before[i].cpu) * float64(interval) / float64(window)),
			wakeups: float64(after[i].wakeups-before[i].wakeups) / window.Seconds(),
			rss:     after[i].rss, pss: after[i].pss,
			page: s.scraped.Load(), failed: s.failed.Load(),
		})
	}
	return t
}

func (t table) row(name string) row {
	for _, r := range t.rows {
		if r.subject.name == name {
			return r
		}
	}
	return row{}
}

// peers returns what the four exporters use together.
func (t table) peers() (cpu time.Duration, rss uint64) {
	for _, r := range t.rows {
		if r.subject.peer {
			cpu += r.cpu
			rss += r.rss
		}
	}
	return cpu, rss
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
func mib(n uint64) string       { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

func (t table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| CPU for each %v, over %v | ms | wakeups a second | RSS, MiB | PSS, MiB | page, KB |\n|---|---|---|---|---|---|\n", t.interval, t.window.Round(time.Second))
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %.1f | %s | %s | %.0f |\n", r.subject.name, ms(r.cpu), r.wakeups, mib(r.rss), mib(r.pss), float64(r.page)/1000)
		if r.failed > 0 {
			fmt.Fprintf(&b, "| … %d of its scrapes failed | | | | | |\n", r.failed)
		}
	}
	cpu, rss := t.peers()
	fmt.Fprintf(&b, "| the four exporters together | %s | | %s | | |\n", ms(cpu), mib(rss))
	agent, empty, floor := t.row(agentName), t.row(emptyName), t.row(floorName)
	fmt.Fprintf(&b, "\nours / the four exporters together: %.2f; ours / (empty collector + floor): %.2f; resident beyond the empty collector: %.1f MiB; wakeups beyond it: %.1f a second.\n",
		ratio(agent.cpu, cpu), ratio(agent.cpu, empty.cpu+floor.cpu), float64(int64(agent.rss)-int64(empty.rss))/(1<<20), agent.wakeups-empty.wakeups)
	return b.String()
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// checkGoal fails if the agent costs more than what a user would run instead, or if a scrape
// failed, which makes the figures useless.
func (t table) checkGoal() error {
	var errs []error
	for _, r := range t.rows {
		if r.failed > 0 {
			errs = append(errs, fmt.Errorf("%d scrapes of %s failed", r.failed, r.subject.name))
		}
	}
	cpu, _ := t.peers()
	if agent := t.row(agentName); agent.cpu > cpu {
		errs = append(errs, fmt.Errorf("the agent costs %s ms for each %v, the four exporters together %s", ms(agent.cpu), t.interval, ms(cpu)))
	}
	return errors.Join(errs...)
}

const (
	beginMark   = "<!-- make cost writes from here -->\n"
	endMark     = "<!-- to here -->\n"
	growthBegin = "<!-- make cost-growth writes from here -->\n"
	growthEnd   = "<!-- growth to here -->\n"

	latencyBegin = "<!-- make latency writes from here -->\n"
	latencyEnd   = "<!-- latency to here -->\n"
)

// writeInto replaces what is between the marks of a document.
func (t table) writeInto(file string) error {
	return writeBetween(file, beginMark, endMark, fmt.Sprintf("%s\nMeasured on %s.\n", t, machine()))
}

func writeBetween(file, begin, end, what string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(text, []byte(begin))
	_, tail, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		return fmt.Errorf("%s has no marks %q and %q", file, begin, end)
	}
	return os.WriteFile(file, slices.Concat(head, []byte(begin+what+end), tail), 0o644)
}

// machine describes the machine without naming it.
func machine() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty where there is none
	model := "an unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo") // likewise
	for line := range strings.SplitSeq(string(info), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores of %s, Linux %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(release)), runtime.Version())
}
