package gpuprobe

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// instances are one that works with a child, and one that does nothing.
func instances() *process.Snapshot {
	return &process.Snapshot{Instances: []process.Instance{
		{ID: "busy", Version: "3.8.1", Processes: []process.Process{
			{ID: process.ID{PID: 100, StartTicks: 1}, Role: process.RoleServer}, {ID: process.ID{PID: 101, StartTicks: 2}, Role: process.RoleFFmpeg},
		}},
		{ID: "idle"},
	}}
}

func using(list ...gpu.ProcessMemory) gpu.Device {
	return gpu.Device{Identity: healthy().Identity, Health: gpu.HealthOK, Processes: reading.Known(list), ProcessUtilization: map[int]gpu.ProcessUtilization{}}
}

func of(pid int, bytes int64) gpu.ProcessMemory {
	return gpu.ProcessMemory{PID: pid, Memory: reading.Known(bytes)}
}

func busy(general, encoder, decoder float64) gpu.ProcessUtilization {
	window := func(f float64) gpu.Window { return gpu.Window{Mean: f, Max: f, Samples: 1} }
	return gpu.ProcessUtilization{General: window(general), Encoder: window(encoder), Decoder: window(decoder)}
}

func TestSharesOfInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		env.RootPath = t.TempDir()
		p := New(NewDefaultConfig(), nil, env)
		env.Snapshots.Processes.Publish(instances())
		first := using(of(100, 1000), of(101, 200), of(555, 40))
		first.ProcessUtilization = map[int]gpu.ProcessUtilization{100: busy(0.5, 0.1, 0), 101: busy(0.25, 0.8, 0.125), 555: busy(0.2, 0, 0)}
		second := using()
		second.UUID, second.Index = "GPU-idle", 4
		third := lost()
		snapshot := &gpu.Snapshot{Library: library(), Devices: []gpu.Device{first, second, third}}
		p.owners.update(instances(), snapshot, time.Now())
		time.Sleep(time.Minute)
		ts := pcommon.NewTimestampFromTime(time.Now())
		recordVisibility(p.mb, ts, p.owners.state())
		recordOthers(p.mb, ts, snapshot, p.owners.instance)
		p.mb.EmitForResource()
		p.scrapeShares(snapshot, ts)
		probetest.Metrics(t, "testdata/shares.yaml", p.mb.Emit())
	})
}

func TestShareIsAbsentWhereItCannotBeKnown(t *testing.T) {
	mine := func(pid int) string { return map[int]string{100: "busy", 101: "busy"}[pid] }
	d := using(of(100, 1000), gpu.ProcessMemory{PID: 101})
	d.ProcessUtilization = nil
	s := sharesOf(&d, mine)["busy"]
	require.False(t, s.memory.Known, "of one process it is not known")
	require.False(t, s.general.Known)

	d = using(of(100, 1))
	d.ProcessUtilization = map[int]gpu.ProcessUtilization{100: busy(0.75, 0, 0), 101: busy(0.5, 0, 0)}
	require.Equal(t, reading.Known(1.0), sharesOf(&d, mine)["busy"].general, "never more than there is")

	for name, spoil := range map[string]func(*gpu.Device){
		"lost":      func(d *gpu.Device) { d.Health, d.Reason = gpu.HealthFailed, gpu.ReasonLost },
		"suspended": func(d *gpu.Device) { d.Suspended = true },
		"unknown":   func(d *gpu.Device) { d.Processes, d.ProcessUtilization = reading.Value[[]gpu.ProcessMemory]{}, nil },
	} {
		d := using(of(100, 1))
		spoil(&d)
		require.Nil(t, sharesOf(&d, mine), name)
	}
}

func TestADividedGPUIsNotCountedTwice(t *testing.T) {
	whole, piece := using(of(100, 1)), using(of(100, 1))
	piece.UUID, piece.Parent = "MIG-1", whole.UUID
	require.Equal(t, map[string]bool{whole.UUID: true}, withMIGDevices([]gpu.Device{whole, piece}))
	piece.Processes.Known = false
	require.Empty(t, withMIGDevices([]gpu.Device{whole, piece}))
}

func TestVisibility(t *testing.T) {
	here := gpu.ProcessMemory{PID: os.Getpid()}
	nobody := gpu.ProcessMemory{PID: 1<<22 + 1} // no kernel has so many
	unknownDevice := gpu.Device{Health: gpu.HealthOK}
	for name, c := range map[string]struct {
		devices []gpu.Device
		want    visibility
	}{
		"unknown":                 {[]gpu.Device{unknownDevice}, visibilityUnknown},
		"nobody uses it":          {[]gpu.Device{unknownDevice, using()}, noProcess},
		"ours":                    {[]gpu.Device{using(of(101, 1))}, visible},
		"others":                  {[]gpu.Device{using(nobody, here)}, visible},
		"of another namespace":    {[]gpu.Device{using(nobody)}, foreign},
		"and of a GPU next to it": {[]gpu.Device{using(nobody), using()}, foreign},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOwners("/")
			o.update(instances(), &gpu.Snapshot{Devices: c.devices}, time.Now())
			require.Equal(t, c.want, o.state())
		})
	}
}

// In a container that sees the host's /proc, a newer driver reports the pids of the container.
func TestPIDsOfTheContainerAreTranslated(t *testing.T) {
	root := t.TempDir()
	show := func(pid int, status string) {
		dir := filepath.Join(root, "proc", strconv.Itoa(pid))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "ns"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o600))
		require.NoError(t, os.Symlink("pid:[4026532777]", filepath.Join(dir, "ns/pid")))
	}
	show(90, "NSpid:\t90\t2\n")
	require.NoError(t, os.Symlink("90", filepath.Join(root, "proc/self")))
	show(100, "NSpid:\t100\t17\n")
	o := newOwners(root)
	o.update(instances(), &gpu.Snapshot{Devices: []gpu.Device{using()}}, time.Now())
	require.Equal(t, foreign, o.state(), "what other containers do is not told")
	o.update(instances(), &gpu.Snapshot{Devices: []gpu.Device{using(of(17, 1))}}, time.Now())
	require.Equal(t, translated, o.state())
	require.Equal(t, "busy", o.instance(17))
	require.Empty(t, o.instance(100))
}

// The driver's utilization of a process comes when the process may have ended.
func TestOwnersAreRememberedForAWhile(t *testing.T) {
	o, now := newOwners("/"), time.Now()
	devices := &gpu.Snapshot{Devices: []gpu.Device{using(of(101, 1))}}
	o.update(instances(), devices, now)
	require.Equal(t, "busy", o.instance(101))
	gone := &process.Snapshot{Instances: []process.Instance{{ID: "busy"}}}
	o.update(gone, devices, now.Add(ownerTTL))
	require.Equal(t, "busy", o.instance(101))
	o.update(gone, devices, now.Add(ownerTTL+time.Second))
	require.Empty(t, o.instance(101))

	// The pid is another process's now.
	again := instances()
	again.Instances[1].Processes = []process.Process{{ID: process.ID{PID: 101, StartTicks: 9}}}
	again.Instances[0].Processes = nil
	o.update(again, devices, now.Add(ownerTTL+2*time.Second))
	require.Equal(t, "idle", o.instance(101))
}

func TestEventOfAnXID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		p := New(NewDefaultConfig(), nil, env)
		snapshot := &gpu.Snapshot{Devices: []gpu.Device{healthy()}, XIDs: []xid.Event{{Time: time.Now(), UUID: healthy().UUID, Code: 79}, {Time: time.Now(), UUID: "GPU-other", Code: 31}}}
		p.emitXIDs(snapshot)
		probetest.Logs(t, "testdata/xid.yaml", sink.All)
	})
}

// A pid that another process has by now is not that of an instance any more, although owners are
// remembered for a while: the program that happened to get the number would be FaceFusion's share.
func TestAReusedPIDIsNotTheOldOwner(t *testing.T) {
	root := t.TempDir()
	stat := filepath.Join(root, "proc/101/stat")
	require.NoError(t, os.MkdirAll(filepath.Dir(stat), 0o755))
	// The program with the pid, and when it started.
	runs := func(startTicks int) {
		line := "101 (python3) S 1 101 101 0 -1 4194304 9 0 0 0 1 1 0 0 20 0 1 0 " + strconv.Itoa(startTicks) + " 4096 9 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
		require.NoError(t, os.WriteFile(stat, []byte(line), 0o600))
	}
	o, now := newOwners(root), time.Now()
	device := using(of(101, 4096))
	device.ProcessUtilization = map[int]gpu.ProcessUtilization{101: busy(0.5, 0, 0)}
	devices := &gpu.Snapshot{Devices: []gpu.Device{device}}
	runs(2)
	o.update(instances(), devices, now)
	require.Equal(t, "busy", o.instance(101))
	gone := &process.Snapshot{Instances: []process.Instance{{ID: "busy"}}}
	o.update(gone, devices, now.Add(time.Second))
	require.Equal(t, "busy", o.instance(101), "not yet seen by the one probe, or no more by the other")

	runs(777)
	o.update(gone, devices, now.Add(2*time.Second))
	require.Empty(t, o.instance(101))
	require.Empty(t, sharesOf(&device, o.instance))
	o.update(instances(), devices, now.Add(3*time.Second))
	require.Empty(t, o.instance(101), "also before the probe of processes has noticed")

	again := instances()
	again.Instances[0].Processes[1].StartTicks = 777
	o.update(again, devices, now.Add(4*time.Second))
	require.Equal(t, "busy", o.instance(101), "it may be FaceFusion's again")
}
