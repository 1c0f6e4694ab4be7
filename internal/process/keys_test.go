package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// nthContainer is the ID of the n-th container.
func nthContainer(n int) string { return fmt.Sprintf("%064x", n) }

// podUID is that of a pod.
func podUID(name string) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", len(name)) }

// dockerFiles are what Docker keeps of a container, and where it mounts it into it.
func dockerFiles(w *harness, id, config string) string {
	folder := "/var/lib/docker/containers/" + id
	require.NoError(w.t, w.host.WriteFile(folder+"/config.v2.json", config))
	return "310 300 8:1 " + folder + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
}

func compose(project, service string, number int) string {
	return fmt.Sprintf(`{"Name": "/%[1]s-%[2]s-%[3]d", "Config": {"Labels": {"com.docker.compose.project": %[1]q, "com.docker.compose.service": %[2]q, "com.docker.compose.container-number": "%[3]d"}}}`, project, service, number)
}

// kindsOfNames are what lasts when a container is created anew, with the cgroup of the n-th one.
var kindsOfNames = map[string]func(w *harness, name string, n int) (cgroup, mounts string){
	"compose": func(w *harness, name string, n int) (string, string) {
		return "0::/system.slice/docker-" + nthContainer(n) + ".scope\n", dockerFiles(w, nthContainer(n), compose("shop", name, 1))
	},
	"compose, cgroup v1": func(w *harness, name string, n int) (string, string) {
		return "12:cpu,cpuacct:/docker/" + nthContainer(n) + "\n0::/\n", dockerFiles(w, nthContainer(n), compose("shop", name, 1))
	},
	"docker --name": func(w *harness, name string, n int) (string, string) {
		return "0::/system.slice/docker-" + nthContainer(n) + ".scope\n", dockerFiles(w, nthContainer(n), `{"Name": "/`+name+`"}`)
	},
	"docker with userns-remap": func(w *harness, name string, n int) (string, string) {
		folder := "/var/lib/docker/231072.231072/containers/" + nthContainer(n)
		require.NoError(w.t, w.host.WriteFile(folder+"/config.v2.json", `{"Name": "/`+name+`"}`))
		return "0::/system.slice/docker-" + nthContainer(n) + ".scope\n", "310 300 8:1 " + folder + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
	},
	"a StatefulSet on CRI-O": func(w *harness, name string, n int) (string, string) {
		list := "/var/lib/containers/storage/overlay-containers/containers.json"
		text, err := os.ReadFile(w.host.Path(list))
		if err != nil {
			text = []byte(`[{"id": "other"}]`)
		}
		uid := podUID(fmt.Sprint("pod of", n))
		entry := fmt.Sprintf(`, {"id": %q, "names": ["k8s_ff_%s_media_%s_%d"]}]`, nthContainer(n), name, uid, n)
		require.NoError(w.t, w.host.WriteFile(list, strings.TrimSuffix(string(text), "]")+entry))
		return fmt.Sprintf("0::/kubepods.slice/kubepods-pod%s.slice/crio-%s.scope\n", strings.ReplaceAll(uid, "-", "_"), nthContainer(n)), ""
	},
	"podman --name": func(w *harness, name string, n int) (string, string) {
		list := "/var/lib/containers/storage/overlay-containers/containers.json"
		text, err := os.ReadFile(w.host.Path(list))
		if err != nil {
			text = []byte(`[{"id": "other"}]`)
		}
		entry := fmt.Sprintf(`, {"id": %q, "names": [%q]}]`, nthContainer(n), name)
		require.NoError(w.t, w.host.WriteFile(list, strings.TrimSuffix(string(text), "]")+entry))
		return "0::/machine.slice/libpod-" + nthContainer(n) + ".scope/container\n",
			"310 300 0:23 /containers/storage/overlay-containers/" + nthContainer(n) + "/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"
	},
	"quadlet": func(_ *harness, name string, n int) (string, string) {
		return "0::/system.slice/" + name + ".service/libpod-payload-" + nthContainer(n) + "\n", ""
	},
	"containerd pod": func(w *harness, name string, n int) (string, string) {
		require.NoError(w.t, w.host.WriteFile("/run/containerd/io.containerd.runtime.v2.task/k8s.io/"+nthContainer(n)+"/config.json",
			fmt.Sprintf(`{"annotations": {"io.kubernetes.cri.sandbox-namespace": "media", "io.kubernetes.cri.sandbox-name": %q, "io.kubernetes.cri.container-name": "ff"}}`, name)))
		return fmt.Sprintf("0::/kubepods.slice/kubepods-pod%d.slice/cri-containerd-%s.scope\n", n, nthContainer(n)), ""
	},
	"pod of a kubelet": func(_ *harness, name string, n int) (string, string) {
		uid := podUID(name)
		return fmt.Sprintf("0::/kubepods.slice/kubepods-pod%s.slice/crio-%s.scope\n", strings.ReplaceAll(uid, "-", "_"), nthContainer(n)),
			"310 300 8:1 /var/lib/kubelet/pods/" + uid + "/containers/ff/" + fmt.Sprint(n) + " /dev/termination-log rw - ext4 /dev/sda1 rw\n"
	},
	"lxc": func(_ *harness, name string, _ int) (string, string) {
		return "0::/lxc.payload." + name + "/system.slice/ff.service\n", ""
	},
	"nspawn": func(_ *harness, name string, _ int) (string, string) {
		return "0::/machine.slice/systemd-nspawn@" + name + ".service/payload/system.slice/ff.service\n", ""
	},
}

// created is a server in the n-th container, whose jobs are on the kind of mount.
func created(w *harness, pid, n int, cgroup, mounts, jobs string) proctest.ProcEntry {
	p := container(pid, fmt.Sprint("layer-", n))
	w.checkout(p.RootDir+"/facefusion", "3.8.1")
	require.NoError(w.t, os.MkdirAll(w.host.Path("/var/lib/docker/overlay2/layer-"+fmt.Sprint(n)+"/diff"), 0o755))
	p.MountInfo = strings.ReplaceAll(p.MountInfo, "/layer-", "/layer-") + mounts + strings.ReplaceAll(jobs, "%n", fmt.Sprint(n))
	p.MountInfo = strings.ReplaceAll(p.MountInfo, "0:52", fmt.Sprint("0:", 100+n))
	p.Cgroup = cgroup
	return p
}

var kindsOfJobs = map[string]string{
	"in the image":      "",
	"on tmpfs":          "320 300 0:9%n / /facefusion/.jobs rw - tmpfs tmpfs rw\n",
	"on fuse-overlay":   "320 300 0:9%n / /facefusion/.jobs rw - fuse.fuse-overlayfs fuse-overlayfs rw\n",
	"bound to the host": "320 300 8:1 /srv/jobs /facefusion/.jobs rw - ext4 /dev/sda1 rw\n",
}

// TestContainersThatAreCreatedAnew are the same instance where something names them, and two that
// run at once are two.
func TestContainersThatAreCreatedAnew(t *testing.T) {
	for kind, files := range kindsOfNames {
		for where, jobs := range kindsOfJobs {
			t.Run(kind+", jobs "+where, func(t *testing.T) {
				w := newHarness(t, process.Settings{})
				put := func(pid int, name string, n int) {
					cgroup, mounts := files(w, name, n)
					p := created(w, pid, n, cgroup, mounts, jobs)
					if strings.HasSuffix(kind, "userns-remap") {
						p.UID = 231_072
					}
					w.put(p)
					if p.UID != 0 {
						for _, file := range []string{"uid_map", "gid_map"} {
							require.NoError(t, w.host.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file), "0 231072 65536\n"))
						}
					}
				}
				put(100, "web", 1)
				id := only(t, w.pass()).ID
				put(200, "other", 2)
				require.Len(t, w.pass().Instances, 2)
				w.remove(100)
				w.pass()
				put(101, "web", 3)
				s := w.pass()
				require.Len(t, s.Instances, 2)
				for _, i := range s.Instances {
					assert.True(t, i.Up())
					assert.Equal(t, i.ID == id, i.Processes[0].PID == 101)
				}
				// and after a restart of the collector, with what it saved and without
				for _, restored := range []bool{true, false} {
					saved := w.table.Export()
					w.restartCollector(process.Settings{})
					if restored {
						w.table.Restore(saved)
					}
					again := w.pass()
					require.Len(t, again.Instances, 2)
					assert.Equal(t, []string{s.Instances[0].ID, s.Instances[1].ID}, []string{again.Instances[0].ID, again.Instances[1].ID})
				}
			})
		}
	}
}

// TestUnits: each unit is a service of its own, and the same when it is started by hand; runs join.
func TestUnits(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	unit := func(pid int, name string) proctest.ProcEntry {
		p := server(pid, "/opt/facefusion")
		p.Cgroup = "0::/system.slice/" + name + "\n"
		return p
	}
	for n := range 4 {
		w.put(unit(100+n, fmt.Sprintf("ff@%d.service", n)))
	}
	s := w.pass()
	require.Len(t, s.Instances, 4)
	run := runner(200, "/opt/facefusion")
	run.Cgroup = "0::/system.slice/cron.service\n"
	w.put(run)
	own := runner(201, "/opt/facefusion", "--jobs-path", "/tmp/x")
	w.put(own)
	require.Len(t, w.pass().Instances, 4, "runs are of one of them")
	w.remove(200)
	w.remove(201)
	down := ""
	for _, i := range s.Instances {
		if i.Processes[0].PID == 102 {
			down = i.ID
		}
	}
	w.remove(102)
	s = w.pass()
	require.Len(t, s.Instances, 4)
	for _, i := range s.Instances {
		assert.Equal(t, i.ID != down, i.Up())
	}
	w.put(server(300, "/opt/facefusion"))
	s = w.pass()
	require.Len(t, s.Instances, 4)
	for _, i := range s.Instances {
		assert.True(t, i.Up(), "it was started by hand")
	}
	w.remove(300)
	w.put(unit(303, "ff@2.service"))
	for _, i := range w.pass().Instances {
		assert.True(t, i.Up())
	}
}

// TestIDsOfAnEarlierVersion: what it saved is carried over to the new keys, and nothing is left
// down.
func TestIDsOfAnEarlierVersion(t *testing.T) {
	location := func(inner, host, key string) process.FolderPaths {
		return process.FolderPaths{Inner: inner, Host: host, Key: key}
	}
	for name, c := range map[string]struct {
		process func(w *harness) proctest.ProcEntry
		key     string
	}{
		"a unit": {func(*harness) proctest.ProcEntry {
			p := server(100, "/opt/facefusion")
			p.Cgroup = "0::/system.slice/ff.service\n"
			return p
		}, "/opt/facefusion/.jobs"},
		"a compose service": {func(w *harness) proctest.ProcEntry {
			return created(w, 100, 1, "0::/system.slice/docker-"+nthContainer(1)+".scope\n", dockerFiles(w, nthContainer(1), compose("shop", "ff", 1)), "")
		}, "/var/lib/docker/overlay2/layer-1/diff/facefusion/.jobs"},
		"a container": {func(w *harness) proctest.ProcEntry {
			return created(w, 100, 1, "0::/docker/"+nthContainer(1)+"\n", "", "")
		}, "/var/lib/docker/overlay2/layer-1/diff/facefusion/.jobs"},
		"jobs on tmpfs": {func(w *harness) proctest.ProcEntry {
			return created(w, 100, 1, "0::/docker/"+nthContainer(1)+"\n", "", kindsOfJobs["on tmpfs"])
		}, "tmpfs:tmpfs:/"},
		"a bind mount": {func(w *harness) proctest.ProcEntry {
			require.NoError(w.t, os.Symlink(w.host.Path("/opt/facefusion"), w.host.Path("/mnt")))
			p := server(100, "/opt/facefusion")
			p.MountInfo = boundMounts
			init := proctest.ProcEntry{PID: 1, Argv: []string{"/sbin/init"}, Cwd: "/", StartTicks: 1, MountInfo: boundMounts}
			w.put(init)
			p.Cwd = "/bound"
			return p
		}, "/bound/.jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			w.checkout("/bound", "3.8.1")
			w.table.Restore([]process.SavedInstance{{
				ID: "facefusion-0ld1", LastSeen: time.Now(), Checkout: location("/opt/facefusion", "", filepath.Dir(c.key)),
				Jobs: location("/opt/facefusion/.jobs", "", c.key), Roles: []process.Role{process.RoleServer},
			}})
			w.put(c.process(w))
			i := only(t, w.pass())
			assert.Equal(t, "facefusion-0ld1", i.ID)
			assert.True(t, i.Up())
			saved := w.table.Export()
			w.restartCollector(process.Settings{})
			w.table.Restore(saved)
			assert.Equal(t, "facefusion-0ld1", only(t, w.pass()).ID)
		})
	}
}

// boundMounts has /opt/facefusion bound to /bound.
const boundMounts = proctest.DefaultMountInfo + "30 21 8:1 /opt/facefusion /bound rw - ext4 /dev/sda1 rw\n"

// TestABindMountOnTheHost: one checkout by two names.
func TestABindMountOnTheHost(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.checkout("/bound", "3.8.1") // stands for the mount
	w.put(proctest.ProcEntry{PID: 1, Argv: []string{"/sbin/init"}, Cwd: "/", StartTicks: 1, MountInfo: boundMounts})
	for n, cwd := range []string{"/opt/facefusion", "/bound"} {
		p := server(100+n, cwd)
		p.MountInfo = boundMounts
		w.put(p)
	}
	assert.Len(t, only(t, w.pass()).Processes, 2)
}

// TestNamesOfASession: a user may name the cgroups of his own session as he likes.
func TestNamesOfASession(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.put(created(w, 100, 1, "0::/system.slice/docker-"+nthContainer(1)+".scope\n", dockerFiles(w, nthContainer(1), compose("shop", "ff", 1)), ""))
	forged := created(w, 200, 2, "0::/user.slice/user-1000.slice/user@1000.service/docker-"+nthContainer(1)+".scope\n", "310 300 8:1 /var/lib/docker/containers/"+nthContainer(1)+"/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n", "")
	w.put(forged)
	require.Len(t, w.pass().Instances, 2)
}

// forgeries are what somebody may make his process look like in a user namespace of his own, inside
// of a container or not: any mounts, and any files of his own that they lead to.
var forgeries = map[string]func(w *harness) (cgroup, mounts string){
	"the files of another container": func(w *harness) (string, string) {
		folder := "/home/eve/" + nthContainer(9)
		require.NoError(w.t, w.host.WriteFile(folder+"/config.v2.json", compose("shop", "ff", 1)))
		return "0::/system.slice/docker-" + nthContainer(9) + ".scope\n", "310 300 8:1 " + folder + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
	},
	"the list of another container": func(w *harness) (string, string) {
		require.NoError(w.t, w.host.WriteFile("/home/eve/containers.json", fmt.Sprintf(`[{"id": %q, "names": ["web"]}]`, nthContainer(9))))
		return "0::/machine.slice/libpod-" + nthContainer(9) + ".scope\n", "310 300 8:1 /home/eve/" + nthContainer(9) + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
	},
	"the log of another pod": func(*harness) (string, string) {
		return "0::/kubepods.slice/kubepods-pod00000009_0000_4000_8000_000000000000.slice/crio-" + nthContainer(9) + ".scope\n",
			"310 300 8:1 /var/lib/kubelet/pods/" + podUID("web") + "/containers/ff/1 /dev/termination-log rw - ext4 /dev/sda1 rw\n"
	},
	"a group within his own": func(*harness) (string, string) {
		return "0::/system.slice/docker-" + nthContainer(9) + ".scope/docker-" + nthContainer(1) + ".scope\n", ""
	},
	"a machine within his own": func(*harness) (string, string) {
		return "0::/lxc.payload.evil/lxc.payload.web\n", ""
	},
	"a checkout of the host, without a container": func(*harness) (string, string) { return "0::/user.slice/user-1001.slice/session-2.scope\n", "" },
	"a checkout of the host":                      func(*harness) (string, string) { return "0::/system.slice/docker-" + nthContainer(9) + ".scope\n", "" },
}

// TestForgedNames: whatever a stranger's process is called by what he can make, it is of no other's
// instance: it does not keep that up, and does not change its version.
func TestForgedNames(t *testing.T) {
	for name, forge := range forgeries {
		for _, args := range [][]string{{"run"}, {"headless-run"}, {"job-run-all", "--jobs-path", "/facefusion/elsewhere"}} {
			t.Run(name+", "+args[0], func(t *testing.T) {
				w := newHarness(t, process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/srv/studio"}}})
				w.checkout("/facefusion", "3.8.1")
				w.checkout("/srv/studio", "3.8.1")
				w.put(created(w, 100, 1, "0::/system.slice/docker-"+nthContainer(1)+".scope\n", dockerFiles(w, nthContainer(1), compose("shop", "ff", 1)), ""))
				for n, kind := range []string{"podman --name", "pod of a kubelet", "lxc"} {
					cgroup, mounts := kindsOfNames[kind](w, "web", 2+n)
					w.put(created(w, 101+n, 2+n, cgroup, mounts, ""))
				}
				w.put(server(104, "/facefusion"))
				before := w.pass()
				require.Len(t, before.Instances, 6)

				// what he says that is
				for n, upper := range []string{"/facefusion", "/srv/studio"} {
					cgroup, mounts := forge(w)
					p := created(w, 200+n, 9, cgroup, mounts+"400 300 0:77 / "+upper+" rw - overlay overlay rw,lowerdir=/x,upperdir="+upper+",workdir=/y\n", "")
					w.checkout(p.RootDir+upper, "9.9.9")
					p.Argv, p.Cwd, p.UID, p.StartTicks = append([]string{"python", "facefusion.py"}, args...), upper, 1001, 900_000
					w.put(p)
					require.NoError(t, w.host.WriteFile(fmt.Sprintf("/proc/%d/uid_map", p.PID), "0 1001 1\n"))
				}
				for _, pid := range []int{100, 101, 102, 103, 104} {
					w.remove(pid)
				}
				w.pass()
				known := map[string]process.Instance{}
				for _, i := range w.pass().Instances {
					known[i.ID] = i
				}
				for _, i := range before.Instances {
					now := known[i.ID]
					assert.False(t, now.Up(), i.ID)
					assert.Equal(t, "3.8.1", now.Version, i.ID)
				}
			})
		}
	}
}

// TestACheckoutThatIsGone: what runs in a checkout that was deleted or replaced is the instance
// that it was, also for a collector that starts after that.
func TestACheckoutThatIsGone(t *testing.T) {
	checkout := realCheckout(t)
	startImpostor(t, checkout, "listen 127.0.0.1:0", "python", "facefusion.py", "run")
	id := ""
	observe := func(what string) {
		t.Helper()
		table := realTable(t, nil)
		s := observeUntil(t, table, what, func(s *process.Snapshot) bool { return at(s, checkout) != nil })
		if id == "" {
			id = at(s, checkout).ID
		}
		assert.Equal(t, id, at(s, checkout).ID, what)
		assert.True(t, at(s, checkout).Up(), what)
	}
	observe("there")
	require.NoError(t, os.RemoveAll(checkout))
	observe("deleted")
	host, err := proctest.NewProcRoot(filepath.Dir(checkout), bootTime)
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/facefusion", "3.9.0"))
	observe("replaced")
}

// TestACheckoutThroughProc: /proc/<pid>/root is another name for the same folder.
func TestACheckoutThroughProc(t *testing.T) {
	checkout := realCheckout(t)
	through := fmt.Sprintf("/proc/%d/root", os.Getpid())
	one := startImpostor(t, checkout, "listen 127.0.0.1:0", "python", "facefusion.py", "run")
	two := startImpostor(t, through+checkout, "exit 0", "python", "facefusion.py", "run", "--jobs-path", through+checkout+"/.jobs")
	s := observeUntil(t, realTable(t, nil), "both", func(s *process.Snapshot) bool {
		return at(s, checkout) != nil && len(at(s, checkout).Processes) == 2
	})
	assert.ElementsMatch(t, []int{one.pid(), two.pid()}, pids(at(s, checkout))[process.RoleServer])
}

// TestKeysOfANamedInstanceAreBounded: a container without a lasting name has another one each time
// that it is created, and the instance that the configuration names is never forgotten.
func TestKeysOfANamedInstanceAreBounded(t *testing.T) {
	w := newHarness(t, process.Settings{
		// also on a busy machine
		Instances: []process.Configured{{Name: "ff", Path: "/facefusion"}}, Gate: hostfs.NewGate(hostfs.Settings{Patience: time.Minute}),
	})
	for n := 1; n <= 80; n++ {
		w.put(created(w, 100+n, n, "0::/docker/"+nthContainer(n)+"\n", "", ""))
		i := only(t, w.pass())
		require.Equal(t, "ff", i.ID, n)
		require.True(t, i.Up(), n)
		w.remove(100 + n)
		w.pass()
		w.table.ListAll()
	}
	assert.Less(t, process.Keys(w.table), 70)
}
