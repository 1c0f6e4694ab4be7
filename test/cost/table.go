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
	if cpu > 0 {
		fmt.Fprintf(&b, "| the four exporters together | %s | | %s | | |\n", ms(cpu), mib(rss))
	}
	f := t.figures()
	b.WriteByte('\n')
	if cpu > 0 {
		fmt.Fprintf(&b, "ours / the four exporters together: %s; ", f["exporters-times"])
	}
	fmt.Fprintf(&b, "ours / (empty collector + floor): %s; resident beyond the empty collector: %s MiB; wakeups beyond it: %s a second.\n", f["floor-times"], f["resident-more"], f["wakeups-more"])
	return b.String()
}

// figures are those that documents quote.
func (t table) figures() map[string]string {
	cpu, _ := t.peers()
	agent, empty, floor := t.row(agentName), t.row(emptyName), t.row(floorName)
	return map[string]string{
		"agent-ms":        fmt.Sprintf("%.0f", float64(agent.cpu)/float64(time.Millisecond)),
		"exporters-ms":    fmt.Sprintf("%.0f", float64(cpu)/float64(time.Millisecond)),
		"core-percent":    fmt.Sprintf("%.1f", 100*ratio(agent.cpu, t.interval)),
		"exporters-times": fmt.Sprintf("%.2f", ratio(agent.cpu, cpu)),
		"floor-times":     fmt.Sprintf("%.2f", ratio(agent.cpu, empty.cpu+floor.cpu)),
		"resident-more":   fmt.Sprintf("%.1f", float64(int64(agent.rss)-int64(empty.rss))/(1<<20)),
		"wakeups-more":    fmt.Sprintf("%.1f", agent.wakeups-empty.wakeups),
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// checkScrapes fails if a scrape failed, which makes the figures useless.
func (t table) checkScrapes() error {
	var errs []error
	for _, r := range t.rows {
		if r.failed > 0 {
			errs = append(errs, fmt.Errorf("%d scrapes of %s failed", r.failed, r.subject.name))
		}
	}
	return errors.Join(errs...)
}

// checkShort fails if the agent costs much more than it did.
func (t table) checkShort() error {
	errs := []error{t.checkScrapes()}
	agent, empty, floor := t.row(agentName), t.row(emptyName), t.row(floorName)
	if times := ratio(agent.cpu, empty.cpu+floor.cpu); times > shortMost {
		errs = append(errs, fmt.Errorf("the agent costs %.1f times the empty collector and the floor, at most %d", times, shortMost))
	}
	return errors.Join(errs...)
}

// checkGoal fails if the agent costs more than what a user would run instead.
func (t table) checkGoal() error {
	errs := []error{t.checkScrapes()}
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
