package jobqueue

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordings are what inotify saw of real runs of FaceFusion, and what the file said after each of
// its writes.
var recordings = []struct {
	file   string
	writes [][]string
	// want are the changes, seen from one event to the next.
	want []string
	// seconds that the run took by the recording.
	seconds float64
}{
	{
		"inotify-3.0.0.txt", [][]string{{}, {"drafted"}, {"queued"}, {"started"}, {"completed"}},
		[]string{"none -> drafted", "drafted -> waiting", "waiting -> running", "running -> finalizing", "finalizing -> completed ended completed"},
		2.6266 - 0.9757,
	},
	{
		"inotify-3.8.1.txt", [][]string{{}, {"drafted"}, {"queued"}, {"started"}, {"completed"}},
		[]string{"none -> drafted", "drafted -> waiting", "waiting -> running", "running -> finalizing", "finalizing -> completed ended completed"},
		2.7280 - 1.0010,
	},
	{
		"inotify-batch-3.8.1.txt", [][]string{
			{}, {"drafted"}, drafted(2), drafted(3), drafted(4), drafted(5), drafted(6), batch("queued"),
			batch("started"), batch("completed"), batch("completed", "started"), batch("completed", "failed"),
		},
		[]string{"none -> drafted", "drafted -> waiting", "waiting -> running", "running -> finalizing", "finalizing -> failed ended failed"},
		4.4380 - 0.8602,
	},
	{
		"inotify-retry-3.8.1.txt", [][]string{{}, {"drafted"}, {"queued"}, {"started"}, {"failed"}, {"queued"}, {"started"}, {"completed"}},
		[]string{
			"none -> drafted", "drafted -> waiting", "waiting -> running", "running -> finalizing", "finalizing -> failed ended failed",
			"failed -> waiting attempt 2", "waiting -> running attempt 2", "running -> finalizing attempt 2", "finalizing -> completed ended completed attempt 2",
		},
		2.2868 - 1.6254,
	},
}

func drafted(n int) []string { return strings.Fields(strings.Repeat("drafted ", n)) }

// batch has six steps: the given ones, then those that are queued.
func batch(statuses ...string) []string {
	return append(statuses, strings.Fields(strings.Repeat("queued ", 6-len(statuses)))...)
}

// TestRecordedSequences makes what was recorded happen again, and looks after every single event.
func TestRecordedSequences(t *testing.T) {
	t.Parallel()
	for _, r := range recordings {
		t.Run(r.file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Settings{})
			h.unknown = true
			h.pass()
			p := &player{harness: h, start: h.now, writes: r.writes}
			text, err := os.ReadFile(filepath.Join("testdata/recorded", r.file))
			require.NoError(t, err)
			for line := range strings.Lines(string(text)) {
				p.play(line)
				h.pass()
			}
			require.Empty(t, p.writes, "every write of the recording has its meaning")
			changes := h.took()
			var got []string
			for _, line := range transitions(changes) {
				_, line, _ = strings.Cut(line, ": ")
				got = append(got, line)
			}
			assert.Equal(t, r.want, got)
			for _, c := range changes {
				if c.Ended && c.Run.Attempt == 1 {
					assert.InDelta(t, r.seconds, c.Run.Duration().V.Seconds(), 0.1)
				}
			}
		})
	}
}

type player struct {
	harness *harness
	start   time.Time
	writes  [][]string // what is still to be written
	next    []byte
	from    string
}

// play does what one line of a recording says: seconds, folder, event, cookie, file, inode, size.
func (p *player) play(line string) {
	h, t := p.harness, p.harness.t
	t.Helper()
	fields := strings.Fields(line)
	var seconds float64
	_, err := fmt.Sscan(fields[0], &seconds)
	require.NoError(t, err)
	if at := p.start.Add(time.Duration(seconds * float64(time.Second))); at.After(h.now) {
		h.now = at
	}
	id := strings.TrimSuffix(fields[4], jobsdir.Extension)
	name := fields[1] + "/" + id
	switch fields[2] {
	case "CREATE":
		h.write(name, nil)
	// the recorder's own look came after it, so that the first piece may be the whole
	case "MODIFY":
		if p.next == nil && len(p.writes) > 0 {
			p.next, p.writes = h.text(id, p.writes[0]...), p.writes[1:]
			h.write(name, nil)
		} else {
			h.write(name, p.next[:len(p.next)/2])
		}
	case "CLOSE_WRITE":
		h.write(name, p.next)
		p.next = nil
	case "MOVED_FROM":
		p.from = name
	case "MOVED_TO":
		h.mv(p.from, name)
	case "DELETE":
		require.NoError(t, os.Remove(h.file(name)))
	default:
		t.Fatalf("what is %s?", fields[2])
	}
}
