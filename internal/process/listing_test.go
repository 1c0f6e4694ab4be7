package process

import (
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// TestListingOfTheKernel holds the assumptions about /proc: the reader is trusted to be at home,
// positions follow pids, and the last pid moves.
func TestListingOfTheKernel(t *testing.T) {
	f := newFiles("/", hostfs.NewGate(hostfs.Settings{}))
	require.NoError(t, f.open())
	require.True(t, f.kernel)
	require.True(t, f.trusted)
	n := pidLister{files: f, listing: pidListing{path: f.proc}}
	before := n.lastPID()
	require.Positive(t, before)
	var started []int
	for range 3 {
		cmd := exec.Command("sleep", "60")
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		started = append(started, cmd.Process.Pid)
	}
	after := n.lastPID()
	if after < before {
		t.Log("pids started over")
		before = 1
	}
	_, ok, err := n.listing.between(before+1, after)
	require.NoError(t, err)
	require.False(t, ok, "before a complete listing positions are unknown")
	all, err := n.listing.all()
	require.NoError(t, err)
	inode := map[int]uint64{}
	for _, e := range all {
		inode[e.pid] = e.inode
	}
	require.NotZero(t, n.listing.seek)
	some, ok, err := n.listing.between(before+1, after)
	require.NoError(t, err)
	require.True(t, ok)
	found := map[int]bool{}
	for _, e := range some {
		assert.Greater(t, e.pid, before)
		assert.LessOrEqual(t, e.pid, after)
		found[e.pid] = e.inode == inode[e.pid]
	}
	for _, pid := range started {
		assert.True(t, found[pid], "%d in %v", pid, some)
	}
}

func TestPositions(t *testing.T) {
	for name, c := range map[string]struct {
		pids, next []int64
		want       int64
	}{
		"the kernel's": {pids: []int64{1, 5, 9}, next: []int64{262, 266, 4_000_000}, want: 257},
		"one process":  {pids: []int64{1}, next: []int64{262}},
		"hashes":       {pids: []int64{1, 5, 9}, next: []int64{77777, 88888, 99999}},
		"not in order": {pids: []int64{5, 1, 9}, next: []int64{258, 266, 4_000_000}},
	} {
		var p positions
		for n := range c.pids {
			p.add(int(c.pids[n]), c.next[n])
		}
		assert.Equal(t, c.want, p.seek(), name)
	}
}

func TestParsePID(t *testing.T) {
	for name, want := range map[string]int{"1": 1, "4194304": 4194304, "": 0, "self": 0, "12a": 0, "99999999999": 0, "12\x00": 0} {
		assert.Equal(t, want, parsePID([]byte(name)), "%q", name)
	}
}

// FuzzParsePID: a name is a pid exactly if it is a number that is not 0 and no longer than ten
// digits.
func FuzzParsePID(f *testing.F) {
	for _, name := range []string{"1", "4194304", "self", "12a", "007", "99999999999", ""} {
		f.Add([]byte(name))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		want, err := strconv.ParseUint(string(name), 10, 64)
		if err != nil || len(name) > 10 {
			want = 0
		}
		require.Equal(t, want, uint64(parsePID(name)))
	})
}
