package jobqueue

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// savedVersion is that of the records. Those of another one are as good as none.
const savedVersion = 1

// savedFolder is what is kept of a folder beside its jobs. Exemplars are not: they are an aid, and
// large.
type savedFolder struct {
	Version int                   `json:"version"`
	Start   time.Time             `json:"start"`
	Runs    []savedRuns           `json:"runs,omitempty"`
	Steps   []savedStep           `json:"steps,omitempty"`
	Orphans map[LossReason]uint64 `json:"orphans,omitempty"`
	Served  []savedServed         `json:"served,omitempty"`
	UsedUp  []savedUse            `json:"used,omitempty"`
}

// savedUse is a process that has, or had, the only run of its life.
type savedUse struct {
	ProcessID
	Name string
}

// savedServed is what is kept of a process of a web UI.
type savedServed struct {
	ProcessID
	Instant, Queue servedDoor
	Newest         savedTime
}

type savedRuns struct {
	RunKey
	Count          uint64
	Duration, Wait savedDurations
}

type savedStep struct {
	StepKey
	Duration savedDurations
}

// savedDurations is a histogram without its bounds, which the version stands for.
type savedDurations struct {
	Counts      []uint64
	Sum         float64
	Exponential *histogram.ExponentialSnapshot `json:",omitempty"`
}

// savedState is what was kept of a folder.
type savedState struct {
	restored  RestoreState
	folder    savedFolder
	jobs      []savedJob
	finished  [len(jobsdir.Names)]archive
	concluded archive
}

// parseRecords parses the values of allKeys. If one of them cannot be parsed all are discarded: a
// folder that is restored in part would give wrong counts.
func parseRecords(values [][]byte) *savedState {
	r := &savedState{restored: RestoreNew}
	if len(values) == 0 || len(values[0]) == 0 {
		return r
	}
	if err := r.parse(values); err != nil {
		return &savedState{restored: RestoreUnreadable}
	}
	r.restored = RestoreDone
	return r
}

func (r *savedState) parse(values [][]byte) error {
	if len(values) != recordCount {
		return errTruncated
	}
	if err := json.Unmarshal(values[0], &r.folder); err != nil {
		return fmt.Errorf("parse what was kept of a folder: %w", err)
	}
	if r.folder.Version != savedVersion || r.folder.Start.IsZero() {
		return fmt.Errorf("version %d is not %d", r.folder.Version, savedVersion)
	}
	for _, value := range values[1 : 1+shardCount] {
		var jobs []savedJob
		if len(value) == 0 {
			continue
		}
		if err := json.Unmarshal(value, &jobs); err != nil {
			return fmt.Errorf("parse what was kept of jobs: %w", err)
		}
		r.jobs = append(r.jobs, jobs...)
	}
	values = values[1+shardCount:]
	for i, dir := range terminalParts {
		for _, value := range values[i*shardCount : (i+1)*shardCount] {
			err := parseFinished(value, r.finished[dir].set)
			if err != nil {
				return fmt.Errorf("parse what was kept of finished jobs: %w", err)
			}
		}
	}
	for _, value := range values[len(terminalParts)*shardCount:] {
		if err := parseFinished(value, r.concluded.set); err != nil {
			return fmt.Errorf("parse what was kept of runs that were counted: %w", err)
		}
	}
	return nil
}

// restore goes on where another process was.
func (f *jobsFolder) restore(r *savedState) {
	f.restored = r.restored
	if r.restored != RestoreDone {
		f.dirty = true
		return
	}
	f.start = r.folder.Start
	f.totals.restore(&r.folder)
	for _, u := range r.folder.UsedUp {
		f.usedUp[u.ProcessID] = processUse{name: u.Name}
	}
	for _, s := range r.folder.Served {
		f.served[s.ProcessID] = &served{instant: s.Instant, queue: s.Queue, newest: s.Newest.time()}
	}
	for _, dir := range terminalParts {
		f.dirs[dir].finished = r.finished[dir]
	}
	f.concluded.archive = r.concluded
	for i := range r.jobs {
		f.restoreJob(&r.jobs[i])
	}
	f.dirtyJobs = shards{}
}

func (f *jobsFolder) marshal() []byte {
	saved := savedFolder{Version: savedVersion, Start: f.start}
	f.totals.save(&saved)
	for id, use := range f.usedUp {
		saved.UsedUp = append(saved.UsedUp, savedUse{id, use.name})
	}
	for id, s := range f.served {
		saved.Served = append(saved.Served, savedServed{id, s.instant, s.queue, saveTime(s.newest)})
	}
	return marshal(&saved)
}

// marshal is for what consists of texts, numbers and times alone, which cannot fail.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func (t *totals) save(saved *savedFolder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	saved.Orphans = maps.Clone(t.orphans)
	for key, k := range t.runs {
		saved.Runs = append(saved.Runs, savedRuns{key, k.count, k.duration.save(), k.wait.save()})
	}
	for key, d := range t.steps {
		saved.Steps = append(saved.Steps, savedStep{key, d.save()})
	}
}

func (t *totals) restore(saved *savedFolder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.Copy(t.orphans, saved.Orphans)
	for i := range saved.Runs {
		s := &saved.Runs[i]
		t.runs[s.RunKey] = &runAggregate{count: s.Count, duration: t.restoreDurations(&s.Duration), wait: t.restoreDurations(&s.Wait)}
	}
	for i := range saved.Steps {
		s := &saved.Steps[i]
		for name := range strings.SplitSeq(s.Models, ",") {
			t.models.know(name)
		}
		t.keep(s.StepKey, t.restoreDurations(&s.Duration))
	}
}

func (d *durationHistogram) save() savedDurations {
	s := d.histogram.Snapshot()
	saved := savedDurations{Counts: s.Counts, Sum: s.Sum}
	if d.exponential != nil {
		exponential := d.exponential.Snapshot()
		saved.Exponential = &exponential
	}
	return saved
}

func (t *totals) restoreDurations(s *savedDurations) *durationHistogram {
	d := t.newDurations()
	d.histogram.Restore(s.Counts, s.Sum)
	if d.exponential != nil && s.Exponential != nil {
		d.exponential.Restore(*s.Exponential)
	}
	return d
}
