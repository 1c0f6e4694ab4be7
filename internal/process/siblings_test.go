package process_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// listening is a web UI with a port, or one that has none yet where that is 0.
func listening(pid int, port uint16) proctest.ProcEntry {
	p := server(pid, "/opt/facefusion")
	if port != 0 {
		p.Listens = []proctest.Socket{{Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), Inode: 9000 + uint64(port)}}
	}
	return p
}

// byPort is the ID of the instance of each port that is up.
func byPort(t *testing.T, s *process.Snapshot) map[uint16]string {
	t.Helper()
	ids := map[uint16]string{}
	for _, i := range s.Instances {
		if i.Up() {
			require.Len(t, i.Servers, 1)
			ids[i.Servers[0].Port] = i.ID
		}
	}
	return ids
}

// TestPortsOfOneCheckout: four services on four ports are four instances, the same after each
// restart of any of them or of the collector. When one dies, one is down.
func TestPortsOfOneCheckout(t *testing.T) {
	for _, atOnce := range []bool{true, false} {
		t.Run(fmt.Sprint("at once ", atOnce), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t, process.Settings{})
				w.checkout("/opt/facefusion", "3.8.1")
				if !atOnce {
					w.pass()
				}
				for n := range 4 {
					w.put(listening(100+n, 7860+uint16(n)))
					if !atOnce {
						time.Sleep(time.Second)
						w.pass()
					}
				}
				s := w.pass()
				require.Len(t, s.Instances, 4)
				ids := byPort(t, s)
				require.Len(t, ids, 4)
				for _, i := range s.Instances {
					assert.Equal(t, "/opt/facefusion", i.Checkout)
					assert.Equal(t, "3.8.1", i.Version)
					assert.NotEmpty(t, i.JobsHostPath)
					if !atOnce {
						assert.Equal(t, uint64(1), usageOf(t, &i, process.RoleServer).Starts, "each start counts where it belongs")
					}
				}
				w.put(runner(200, "/opt/facefusion"))
				require.Len(t, w.pass().Instances, 4, "a run is of one of them")
				w.remove(200)

				// Two die, and are started in another order; they listen after a while.
				w.remove(101)
				w.remove(102)
				s = w.pass()
				require.Len(t, s.Instances, 4)
				require.Len(t, byPort(t, s), 2)
				for _, i := range s.Instances {
					assert.Equal(t, !i.Up(), len(i.Ended) == 1, "each misses its own")
				}
				w.put(listening(302, 0))
				w.put(listening(301, 0))
				require.Len(t, w.pass().Instances, 4)
				time.Sleep(2 * time.Second)
				w.put(listening(302, 7862))
				w.put(listening(301, 7861))
				s = w.pass()
				require.Len(t, s.Instances, 4)
				assert.Equal(t, ids, byPort(t, s))
				for _, i := range s.Instances {
					assert.Empty(t, i.Ended)
				}

				w.restart(process.Settings{})
				s = w.pass()
				require.Len(t, s.Instances, 4)
				assert.Equal(t, ids, byPort(t, s), "with what was saved")
				for _, i := range s.Instances {
					assert.Empty(t, i.Ended)
				}
				w.restartCollector(process.Settings{})
				assert.Equal(t, ids, byPort(t, w.pass()), "and without")
			})
		})
	}
}

// TestTheySharePortsOrHaveNone: they are one instance.
func TestTheySharePortsOrHaveNone(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(listening(100, 7860))
	w.put(listening(101, 7860)) // SO_REUSEPORT
	w.put(listening(102, 0))
	below := listening(103, 7870) // a service that another one starts
	below.PPID, below.Argv = 100, append(below.Argv, "--log-level", "debug")
	w.put(below)
	w.put(pythonIn(104, "/opt/facefusion", "/usr/bin/python3 /venv/bin/celery -A app worker"))
	assert.Len(t, only(t, w.pass()).Processes, 5)
	assert.Len(t, only(t, w.pass()).Servers, 4)
}

// TestAServiceMovesToAnotherPort: it stays what it was while no other service has that port.
func TestAServiceMovesToAnotherPort(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(listening(100, 7860))
	id := only(t, w.pass()).ID
	w.remove(100)
	w.put(listening(101, 7999))
	i := only(t, w.pass())
	assert.Equal(t, id, i.ID)
	assert.Equal(t, uint16(7999), i.Servers[0].Port)
}

// TestAServiceComesBackOnTheNextPort: Gradio takes the next port while its own is not free yet. It
// is the one that ended, and nothing is left down, however often that happens.
func TestAServiceComesBackOnTheNextPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		w.put(listening(100, 7860))
		w.put(listening(101, 7861))
		ids := byPort(t, w.pass())
		require.Len(t, ids, 2)
		for n := range 10 {
			w.end(listening(101+n, 0), 9)
			time.Sleep(time.Minute)
			w.put(listening(102+n, 0))
			w.pass()
			time.Sleep(time.Second)
			w.put(listening(102+n, uint16(7862+n)))
			s := w.pass()
			require.Len(t, s.Instances, 2)
			assert.Equal(t, map[uint16]string{7860: ids[7860], uint16(7862 + n): ids[7861]}, byPort(t, s))
			for _, i := range s.Instances {
				assert.Empty(t, i.Ended)
			}
			if n == 5 {
				w.restart(process.Settings{})
				assert.Equal(t, byPort(t, s), byPort(t, w.pass()), "with what was saved")
			}
		}
	})
}

// TestAServiceIsReplacedWhileItRuns: the next one is there before the old one is stopped. The old
// one was stopped, and there are never more than have run at once.
func TestAServiceIsReplacedWhileItRuns(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(listening(100, 7860))
	w.pass()
	for n := range 5 {
		w.put(listening(101+n, uint16(7861+n)))
		w.pass()
		s := w.end(listening(100+n, 0), 15)
		require.Len(t, s.Instances, 2)
		require.Len(t, byPort(t, s), 1)
		for _, i := range s.Instances {
			assert.NotEqual(t, i.Up(), i.Stopped, "what does not run was stopped")
		}
	}
}

// TestServicesThatWereOne: an earlier version had both in one instance, and one of them was down.
func TestServicesThatWereOne(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.table.Restore([]process.SavedInstance{{
		ID: "facefusion-0ld1", LastSeen: time.Now(), Served: true, Roles: []process.Role{process.RoleServer},
		Checkout: process.FolderPaths{Inner: "/opt/facefusion", Host: "/opt/facefusion", Key: "/opt/facefusion"},
		Jobs:     process.FolderPaths{Inner: "/opt/facefusion/.jobs", Host: "/opt/facefusion/.jobs", Key: "/opt/facefusion/.jobs"},
		Services: []process.EndedService{{Port: 7860, Serves: true}, {Port: 7861, Serves: true}},
	}})
	w.put(listening(100, 7860))
	w.put(listening(101, 7861))
	s := w.pass()
	require.Len(t, s.Instances, 2)
	assert.Equal(t, "facefusion-0ld1", byPort(t, s)[7860])
	for _, i := range s.Instances {
		assert.Empty(t, i.Ended)
	}
}
