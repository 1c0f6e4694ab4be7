package process_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// The limits of instances: for each user, and in all.
const perUser, inAll = 64, 256

// serve starts a server in a checkout of its own, as a user.
func (w *harness) serve(pid, uid int) string {
	w.t.Helper()
	path := fmt.Sprintf("/home/%d/checkout-%d", uid, pid)
	w.checkout(path, "3.8.1")
	p := server(pid, path)
	p.UID = uid
	w.put(p)
	return path
}

// TestAUserTakesHisPlacesAndNoOthers: a thousand checkouts gave 42,000 series.
func TestAUserTakesHisPlacesAndNoOthers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for n := range 100 {
		w.serve(1000+n, 4001)
	}
	s := w.pass()
	require.Len(t, s.Instances, perUser)
	assert.Equal(t, process.Excess{Processes: 100 - perUser, First: process.ID{PID: 1000 + perUser, StartTicks: 301_000 + perUser}, UID: 4001}, s.Over)

	w.serve(500, 1000)
	s = w.pass()
	require.Len(t, s.Instances, perUser+1, "the place of another user")
	assert.Equal(t, 100-perUser, s.Over.Processes)

	w.remove(1000) // one of those that are reported
	w.pass()
	s = w.pass()
	assert.Len(t, s.Instances, perUser+1)
	assert.Equal(t, 99-perUser, s.Over.Processes, "the next one has the place of the one that is gone")
}

// TestWhatAPidMeansNow: what was said of a process is not said of the program that it becomes.
func TestWhatAPidMeansNow(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for n := range perUser + 1 {
		w.serve(1000+n, 4001)
	}
	s := w.pass()
	require.Equal(t, 1, s.Over.Processes)
	last := s.Over.First.PID
	other := server(last, "/")
	other.UID, other.Argv = 4001, []string{"python", "-m", "http.server"}
	w.put(other)
	process.Age(w.table, 2*time.Minute)
	assert.Zero(t, w.pass().Over)

	w.put(pythonIn(2000, "/srv/app", "python main.py"))
	w.pass()
	process.Unlooked(w.table, 2000)
	require.Len(t, w.pass().Blind, 1)
	w.checkout("/srv/app", "3.8.1")
	w.put(pythonIn(2000, "/srv/app", "python facefusion.py --version"))
	process.Age(w.table, 2*time.Minute)
	assert.Empty(t, w.pass().Blind, "it is FaceFusion's own script, which everybody may see")
}

// TestSubordinateUsers: with 65,536 users of his own a user has no more places than with one.
func TestSubordinateUsers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	require.NoError(t, w.host.WriteFile("/etc/passwd", "root:x:0:0::/root:/bin/sh\neve:x:1001:1001::/home/eve:/bin/sh\n"))
	require.NoError(t, w.host.WriteFile("/etc/subuid", "# none\neve:100000:65536\n1002:200000:65536\n"))
	for n := range 100 {
		w.serve(1000+n, 100_000+n)
		w.serve(2000+n, 200_000+n)
	}
	s := w.pass()
	require.Len(t, s.Instances, 2*perUser)
	assert.Equal(t, 200-2*perUser, s.Over.Processes)
	assert.Equal(t, 1001, s.Over.UID, "the first of those that found no place")
	w.serve(500, 1003)
	assert.Len(t, w.pass().Instances, 2*perUser+1)
}

// TestUsersTogetherAreBounded: what one user may have, many may not together; who comes when all
// places are taken gets that of an instance that is down.
func TestUsersTogetherAreBounded(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for n := range inAll {
		w.serve(1000+n, 4001+n/32)
	}
	require.Len(t, w.pass().Instances, inAll)
	w.serve(9000, 1000)
	s := w.pass()
	assert.Len(t, s.Instances, inAll)
	assert.Equal(t, 1, s.Over.Processes)
	w.remove(1000)
	w.pass()
	s = w.pass()
	assert.Len(t, s.Instances, inAll)
	assert.Zero(t, s.Over.Processes)
	assert.Contains(t, uidsOf(s), 1000)
}

// TestAConfiguredInstanceNeedsNoPlace: it is reported however many others there are.
func TestAConfiguredInstanceNeedsNoPlace(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/home/0/checkout-9000"}}})
	for n := range perUser {
		w.serve(1000+n, 0)
	}
	w.pass()
	w.serve(9000, 0)
	s := w.pass()
	require.Len(t, s.Instances, perUser+1)
	assert.Zero(t, s.Over)
	for _, i := range s.Instances {
		assert.True(t, i.Up(), i.ID)
	}
}

// TestRestoredInstancesAreBounded: state of an earlier version may hold a thousand.
func TestRestoredInstancesAreBounded(t *testing.T) {
	w := newHarness(t, process.Settings{})
	var saved []process.SavedInstance
	for n := range 1000 {
		key := fmt.Sprintf("/home/4001/%d/.jobs", n)
		saved = append(saved, process.SavedInstance{ID: fmt.Sprint("checkout-", n), UID: 4001, LastSeen: bootTime, Jobs: process.FolderPaths{Inner: key, Host: key, Key: key}})
	}
	w.table.Restore(saved)
	assert.LessOrEqual(t, len(w.pass().Instances), perUser)
}

func uidsOf(s *process.Snapshot) (uids []int) {
	for _, i := range s.Instances {
		uids = append(uids, i.UID)
	}
	return uids
}
