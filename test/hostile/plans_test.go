package hostile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// plan is a job file of 15 MB: almost as many steps as a job may have, with long paths.
func plan() []byte {
	var b bytes.Buffer
	b.WriteString(`{"date_created":"2026-01-01T00:00:00+00:00","steps":[`)
	for i := range 9_990 {
		path := fmt.Sprintf("/%s/%06d.mp4", strings.Repeat("a", 720), i)
		fmt.Fprintf(&b, `{"args":{"target_path":%q,"output_path":%q},"status":"queued"},`, "/in"+path, "/out"+path)
	}
	b.Truncate(b.Len() - 1)
	b.WriteString(`]}`)
	return b.Bytes()
}

// TestAStrangersPlans: ten plans of 15 MB in each of four checkouts once took 680 MB, so that the
// collector was killed by the memory limit of its unit.
func TestAStrangersPlans(t *testing.T) {
	dir := openFolder(t)
	honest := filepath.Join(dir, "honest")
	checkout(t, honest, "3.8.1", 0)
	serverOf(t, 0, honest)
	large := filepath.Join(dir, "plan.json")
	require.NoError(t, os.WriteFile(large, plan(), 0o644))
	for i := range 4 {
		evil := filepath.Join(dir, fmt.Sprint("evil-", i))
		checkout(t, evil, "3.8.0", stranger)
		for k := range 10 {
			require.NoError(t, os.Link(large, filepath.Join(evil, ".jobs", "queued", fmt.Sprintf("plan-%d.json", k))))
		}
		serverOf(t, stranger, evil)
	}
	c := startWith(t, nil, []string{"GOMEMLIMIT=400MiB", "GOMAXPROCS=1"}) // as the unit has it
	largest := 0
	begin := time.Now()
	c.eventually(t, time.Minute, "a plan of each checkout is looked at", func(p page) bool {
		largest = max(largest, c.resident(t))
		read, _ := p.sum("facefusion_job_count", "service_version", "3.8.0")
		return read >= 4
	})
	took := time.Since(begin)
	for begin := time.Now(); time.Since(begin) < 5*time.Second; time.Sleep(50 * time.Millisecond) {
		largest = max(largest, c.resident(t))
	}
	job(t, honest, "first")
	c.eventually(t, 20*time.Second, "the honest job is counted", func(p page) bool {
		total, _ := p.sum("facefusion_job_finished_total", "service_version", "3.8.1")
		return total == 1
	})
	for _, s := range []string{"waiting", "unreadable"} {
		n, _ := c.page(t).sum("facefusion_job_count", "service_version", "3.8.0", "facefusion_job_state", s)
		t.Logf("%s: %v", s, n)
	}
	t.Logf("%d MB at most; a plan of each was looked at after %v; %.1f s of CPU", largest, took, c.cpu(t))
	require.Less(t, largest, 300)
}
