//go:build e2e && real

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// journal is when FaceFusion began each job, as it wrote into its files, read as often as a disk
// allows.
type journal struct {
	t      *testing.T
	folder string
	begun  map[string][]time.Time
	stop   chan struct{}
	done   chan struct{}
}

func (a *runComparison) journal() *journal {
	j := &journal{
		t: a.t, folder: filepath.Join(a.f.dir, ".jobs", "queued"), begun: map[string][]time.Time{},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go func() {
		defer close(j.done)
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-j.stop:
				tick.Stop()
				return
			case <-tick.C:
				j.read()
			}
		}
	}()
	return j
}

func (j *journal) read() {
	files, _ := filepath.Glob(filepath.Join(j.folder, "*.json"))
	for _, file := range files {
		var said struct {
			jobFile
			Updated string `json:"date_updated"`
		}
		content, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(content, &said) != nil || !said.begun() {
			continue // it is being written or moved, and looked at again
		}
		at, err := time.Parse("2006-01-02T15:04:05.999999-07:00", said.Updated)
		job := strings.TrimSuffix(filepath.Base(file), ".json")
		if begun := j.begun[job]; err == nil && (len(begun) == 0 || begun[len(begun)-1].Before(at)) {
			j.begun[job] = append(begun, at)
		}
	}
}

// runs are those of a job of one step that several runners of one queue came to. A runner goes
// through the queue once. So where one exited before the job was begun anew, the run was its own
// and is lost, and else two are at one run.
func (j *journal) runs(last fact, runners ...*faceFusionProgram) (list []fact) {
	j.t.Helper()
	begun := j.begun[last.job]
	if len(begun) == 0 {
		// It ended in its folder, so somebody began it, between two readings of the disk.
		j.t.Logf("when %s was begun was not seen", last.job)
	}
	for i := 1; i < len(begun); i++ {
		exited := slices.IndexFunc(runners, func(p *faceFusionProgram) bool {
			return p.endedAt.After(begun[i-1]) && p.endedAt.Before(begun[i])
		})
		if exited >= 0 {
			lost := last
			lost.outcome, lost.reason = "orphaned", map[int]string{0: "gone", 1: "exception"}[runners[exited].exitCode()]
			list = append(list, lost)
		}
	}
	return append(list, last)
}
