package process_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// TestACheckoutOnAShareThatHangs is an instance whose version is not known yet. The others are
// found as ever, and what the share holds is read when it answers.
func TestACheckoutOnAShareThatHangs(t *testing.T) {
	gate := hostfs.NewGate(hostfs.Settings{})
	w := newHarness(t, process.Settings{Gate: gate})
	release := make(chan struct{})
	call, err := gate.Start(hostfs.DeviceKey{Device: "0:53", Share: true}, "uid 1000", func() { <-release })
	require.NoError(t, err)
	require.ErrorIs(t, gate.Wait(call), hostfs.ErrPending)

	w.checkout("/opt/facefusion", "3.8.0")
	w.checkout("/mnt/share/studio", "3.8.1")
	require.NoError(t, w.host.WriteFile("/mnt/share/studio/facefusion.ini", "[paths]\njobs_path = /data/jobs\n"))
	const mounts = "22 1 8:1 / / rw - ext4 /dev/root rw\n51 22 0:53 / /mnt/share rw - nfs4 nas:/export rw\n"
	for pid, cwd := range map[int]string{11: "/opt/facefusion", 12: "/mnt/share/studio"} {
		p := server(pid, cwd)
		p.MountInfo = mounts
		w.put(p)
	}
	w.pass()
	s := w.pass()
	require.Len(t, s.Instances, 2)
	versions := func(s *process.Snapshot) map[string]string {
		all := map[string]string{}
		for _, i := range s.Instances {
			require.True(t, i.Up())
			all[i.Checkout] = i.Version
		}
		return all
	}
	require.Equal(t, map[string]string{"/opt/facefusion": "3.8.0", "/mnt/share/studio": ""}, versions(s))

	close(release)
	call.Await()
	s = w.pass()
	require.Len(t, s.Instances, 2, "it is the same instance")
	require.Equal(t, map[string]string{"/opt/facefusion": "3.8.0", "/mnt/share/studio": "3.8.1"}, versions(s))
	for _, i := range s.Instances {
		if i.Checkout == "/mnt/share/studio" {
			require.Equal(t, "/data/jobs", i.JobsPath)
		}
	}
}

// TestAServiceOnAShareThatHangs is found when the share answers: its folder was asked about in
// vain.
func TestAServiceOnAShareThatHangs(t *testing.T) {
	gate := hostfs.NewGate(hostfs.Settings{})
	w := newHarness(t, process.Settings{Gate: gate})
	release := make(chan struct{})
	call, err := gate.Start(hostfs.DeviceKey{Device: "0:53", Share: true}, "uid 1000", func() { <-release })
	require.NoError(t, err)
	require.ErrorIs(t, gate.Wait(call), hostfs.ErrPending)

	w.checkout("/mnt/share/studio", "3.8.1")
	titled := pythonIn(13, "/mnt/share/titled", "x")
	titled.Argv, titled.Comm = []string{"gunicorn: master [app:app]"}, "gunicorn: maste"
	w.checkout(titled.Cwd, "3.8.1")
	for _, p := range []proctest.ProcEntry{pythonIn(12, "/mnt/share/studio", "python3 handler.py"), titled} {
		p.MountInfo = "22 1 8:1 / / rw - ext4 /dev/root rw\n51 22 0:53 / /mnt/share rw - nfs4 nas:/export rw\n"
		w.put(p)
	}
	require.Empty(t, w.pass().Instances)
	close(release)
	call.Await()
	process.Age(w.table, time.Minute)
	services := map[int]process.Role{}
	for _, i := range w.pass().Instances {
		for _, p := range i.Processes {
			services[p.PID] = p.Role
		}
	}
	require.Equal(t, map[int]process.Role{12: process.RoleService, 13: process.RoleService}, services)
}
