//go:build e2e && real

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// fact is what is known of one run of the real FaceFusion, without the collector: where it left its
// file, how its process ended, and what was done to it.
type fact struct {
	job string
	// exit is the exit code of the process of its own, or what the web UI said; empty where there
	// is neither.
	exit string
	// outcome is what became of the run, and reason why it was lost.
	outcome, reason string
	origin, media   string
}

// runComparison compares what FaceFusion did with what the collector reported.
type runComparison struct {
	t    *testing.T
	f    *faceFusionCopy
	dir  string
	c    *collector
	runs []fact
	// known are the jobs that were there before.
	known   map[string]bool
	table   [][]string
	differs int
}

const agreeWithin = 60 * time.Second

func newAccount(t *testing.T, f *faceFusionCopy) *runComparison {
	t.Helper()
	a := &runComparison{t: t, f: f, dir: t.TempDir(), known: map[string]bool{}}
	a.table = [][]string{{"scenario", "FaceFusion", "page", "traces", "events", ""}}
	a.watch()
	return a
}

// watch starts the collector.
func (a *runComparison) watch() {
	a.t.Helper()
	a.c = startLogsOf(a.t, a.f.logs+"/*.log", a.dir, byKind, fmt.Sprintf(`
extensions: {file_storage: {directory: %[1]s}}
receivers: {facefusion: {storage: file_storage}}
exporters:
  file/traces: {path: %[1]s/traces.json, append: true, flush_interval: 50ms}
  file/events: {path: %[1]s/events.json, append: true, flush_interval: 50ms}
service:
  extensions: [health_check, file_storage]
  pipelines:
    traces: {receivers: [facefusion], exporters: [file/traces]}
    logs/events: {receivers: [facefusion], exporters: [file/events]}
`, a.dir)).collector
}

// jobFile is as much of FaceFusion's file as says where a run stands.
type jobFile struct {
	folder string
	Steps  []struct {
		Status string `json:"status"`
	} `json:"steps"`
}

func (j jobFile) String() string {
	var steps []string
	for _, s := range j.Steps {
		steps = append(steps, s.Status)
	}
	return j.folder + "[" + strings.Join(steps, " ") + "]"
}

func (j jobFile) begun() bool {
	return slices.ContainsFunc(j.Steps, func(s struct {
		Status string `json:"status"`
	}) bool {
		return s.Status == "started"
	})
}

// folders are FaceFusion's own files.
func (a *runComparison) folders() map[string]jobFile {
	jobs := map[string]jobFile{}
	for _, folder := range []string{"drafted", "queued", "completed", "failed"} {
		files, err := filepath.Glob(filepath.Join(a.f.dir, ".jobs", folder, "*.json"))
		require.NoError(a.t, err)
		for _, file := range files {
			j := jobFile{folder: folder}
			content, err := os.ReadFile(file)
			if err != nil || json.Unmarshal(content, &j) != nil {
				continue // it is being written or moved, and looked at again
			}
			jobs[strings.TrimSuffix(filepath.Base(file), ".json")] = j
		}
	}
	return jobs
}

// started waits until a job that was not there before is worked on, and names it.
func (a *runComparison) started(prefix string) (job string) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		for id, file := range a.folders() {
			if !a.known[id] && strings.HasPrefix(id, prefix) && file.begun() {
				job = id
			}
		}
		return job != ""
	}, time.Minute, 20*time.Millisecond, "FaceFusion begins no job %s…: see %s", prefix, a.f.logs)
	return job
}

// newest is the one job that was not there before.
func (a *runComparison) newest() string {
	a.t.Helper()
	var found []string
	for id := range a.folders() {
		if !a.known[id] {
			found = append(found, id)
		}
	}
	require.Len(a.t, found, 1, "jobs that were not there before")
	return found[0]
}

// ended says what a run came to. What FaceFusion writes is asked of its folders; hint is what it
// does not write: that a user stopped the run, that the filter declined it, why it was lost.
func (a *runComparison) ended(job, exit, hint, origin, media string) fact {
	a.t.Helper()
	f := fact{job: job, exit: exit, origin: origin, media: media}
	file, there := a.folders()[job]
	switch {
	case !there:
		f.outcome = "deleted"
	case file.folder == "completed":
		f.outcome = "completed"
	case file.folder == "failed" && (hint == "stopped" || hint == "declined"):
		f.outcome = hint
	case file.folder == "failed":
		f.outcome = "failed"
	case file.folder == "queued" && file.begun():
		f.outcome, f.reason = "orphaned", hint
	default:
		require.Fail(a.t, "a run that did not end", "%s lies in %s", job, file)
	}
	return f
}

// agree compares, once all that a scenario did is over, and fills a line of the table.
func (a *runComparison) agree(scenario string, runs ...fact) {
	a.t.Helper()
	a.runs = append(a.runs, runs...)
	jobs := a.folders()
	for id := range jobs {
		a.known[id] = true
	}
	begin, differences := time.Now(), a.differences(jobs)
	for len(differences) > 0 && time.Since(begin) <= agreeWithin {
		time.Sleep(100 * time.Millisecond)
		differences = a.differences(jobs)
	}
	verdict := "equal"
	if len(differences) > 0 {
		a.differs++
		verdict = "DIFFERS: " + strings.Join(differences, "; ")
	}
	var facts []string
	traces, events := map[string]bool{}, []string{}
	for _, r := range runs {
		file, there := jobs[r.job]
		where := file.String()
		if !there {
			where = "no file"
		}
		if r.exit != "" {
			where += ", " + r.exit
		}
		facts = append(facts, where)
		events = append(events, strings.Join(a.events()[r.job], " "))
		for _, outcome := range a.traces()[r.job] {
			traces[outcome] = true
		}
	}
	row := []string{scenario, strings.Join(facts, " | "), a.pageText(), strings.Join(slices.Sorted(maps.Keys(traces)), " "), strings.Join(events, " | "), verdict}
	a.table = append(a.table, row)
	a.t.Logf("%s (%v): %s", scenario, time.Since(begin).Round(100*time.Millisecond), strings.Join(row[1:], "   "))
}

// differences between FaceFusion's folders, and all runs so far, and what the collector reported.
func (a *runComparison) differences(jobs map[string]jobFile) (list []string) {
	p := a.c.page(a.t)
	differ := func(what string, reported, want any) {
		if reported != want {
			list = append(list, fmt.Sprintf("%s: reported %v, is %v", what, reported, want))
		}
	}
	states, finished, lost, kinds := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, file := range jobs {
		switch {
		case file.folder != "queued":
			states[file.folder]++
		case file.begun():
			states["orphaned"]++ // nothing is under way when this is asked
		default:
			states["waiting"]++
		}
	}
	for _, state := range []string{"drafted", "waiting", "running", "finalizing", "stalled", "orphaned", "completed", "failed", "unreadable"} {
		differ("jobs "+state, sumOf(p, "facefusion_job_count", "facefusion_job_state", state), float64(states[state]))
	}
	for _, r := range a.runs {
		finished[r.outcome]++
		kinds[r.origin+" "+r.media]++
		if r.reason != "" {
			lost[r.reason]++
		}
	}
	for _, outcome := range []string{"completed", "failed", "stopped", "declined", "orphaned", "deleted"} {
		differ("runs "+outcome, sumOf(p, "facefusion_job_finished_total", "facefusion_outcome", outcome), float64(finished[outcome]))
	}
	for _, reason := range []string{"exception", "killed", "oom_killed", "superseded", "gone"} {
		differ("lost "+reason, sumOf(p, "facefusion_job_lost_total", "facefusion_orphan_reason", reason), float64(lost[reason]))
	}
	for kind, n := range kinds {
		origin, media, _ := strings.Cut(kind, " ")
		differ("runs of "+kind, sumOf(p, "facefusion_job_finished_total", "facefusion_origin", origin, "facefusion_media", media), float64(n))
	}
	return append(list, a.differencesOfRuns()...)
}

// differencesOfRuns: each run has one trace, and its last event reports its end.
func (a *runComparison) differencesOfRuns() (list []string) {
	traces, events := a.traces(), a.events()
	want, last := map[string][]string{}, map[string]string{}
	for _, r := range a.runs {
		want[r.job] = append(want[r.job], r.outcome)
		last[r.job] = map[string]string{"stopped": "failed", "declined": "failed"}[r.outcome]
		if last[r.job] == "" {
			last[r.job] = r.outcome
		}
	}
	for job, outcomes := range want {
		if !slices.Equal(traces[job], outcomes) {
			list = append(list, fmt.Sprintf("traces of %s: reported %v, are %v", job, traces[job], outcomes))
		}
		if reported := events[job]; len(reported) == 0 || !slices.Contains(reported, last[job]) {
			list = append(list, fmt.Sprintf("events of %s: reported %v, came to %s", job, reported, last[job]))
		}
	}
	for job := range traces {
		if want[job] == nil {
			list = append(list, fmt.Sprintf("a trace of %s, which had no run", job))
		}
	}
	slices.Sort(list)
	return list
}

// traces are the outcomes of the runs that were reported as traces, by job, in their order.
func (a *runComparison) traces() map[string][]string {
	outcomes := map[string][]string{}
	a.lines("traces.json", func(line []byte) error {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			return err
		}
		for _, rs := range traces.ResourceSpans().All() {
			root := rs.ScopeSpans().At(0).Spans().At(0)
			job, _ := root.Attributes().Get("facefusion.job.id")
			outcome, _ := root.Attributes().Get("facefusion.outcome")
			outcomes[job.Str()] = append(outcomes[job.Str()], outcome.Str())
		}
		return nil
	})
	return outcomes
}

// events are the states that a job came to, as the events report.
func (a *runComparison) events() map[string][]string {
	states := map[string][]string{}
	a.lines("events.json", func(line []byte) error {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err != nil {
			return err
		}
		for _, rl := range logs.ResourceLogs().All() {
			for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
				job, there := record.Attributes().Get("facefusion.job.id")
				if !there {
					continue
				}
				state := strings.TrimPrefix(record.EventName(), "facefusion.job.")
				if to, there := record.Attributes().Get("facefusion.job.transition.to"); there {
					state = to.Str()
				}
				states[job.Str()] = append(states[job.Str()], state)
			}
		}
		return nil
	})
	return states
}

func (a *runComparison) lines(name string, each func([]byte) error) {
	a.t.Helper()
	content, err := os.ReadFile(filepath.Join(a.dir, name))
	if os.IsNotExist(err) {
		return
	}
	require.NoError(a.t, err)
	for line := range bytes.Lines(content) {
		if bytes.HasSuffix(line, []byte("\n")) {
			require.NoError(a.t, each(line))
		}
	}
}

// pageText is what the page says of jobs and runs, without zeros.
func (a *runComparison) pageText() string {
	p := a.c.page(a.t)
	var list []string
	for name, label := range map[string]string{"facefusion_job_count": "facefusion_job_state", "facefusion_job_finished_total": "facefusion_outcome", "facefusion_job_lost_total": "facefusion_orphan_reason"} {
		sums := map[string]float64{}
		for _, s := range p.samples(name) {
			sums[s.labels[label]] += s.value
		}
		var parts []string
		for _, value := range slices.Sorted(maps.Keys(sums)) {
			if sums[value] > 0 {
				parts = append(parts, fmt.Sprintf("%s %g", value, sums[value]))
			}
		}
		short, _ := strings.CutPrefix(strings.TrimSuffix(name, "_total"), "facefusion_job_")
		list = append(list, short+"{"+strings.Join(parts, ", ")+"}")
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// print writes the table, and fails where something differs.
func (a *runComparison) print() {
	a.t.Helper()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range a.table {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	require.NoError(a.t, w.Flush())
	a.t.Logf("FaceFusion %s\n%s", a.f.version, b.String())
	require.Zero(a.t, a.differs, "scenarios in which the collector reported something else than FaceFusion did")
}
