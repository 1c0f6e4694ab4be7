package process

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// Bounds on what is read: a process is in up to 14 hierarchies, each path of up to 4 KiB; a network
// namespace has some interfaces; a runtime writes the configuration of its container, environment
// included.
const (
	maxCgroup = 64 << 10
	maxNetDev = 64 << 10
	maxNames  = 1 << 20
)

// location reads the control groups of a process, which everybody may.
func (f *files) location(pid int) (container.Location, bool) {
	text, err := f.read(f.path(pid, "cgroup"), maxCgroup)
	if err != nil {
		return container.Location{}, false
	}
	return container.ParseLocation(text), true
}

// containerNames finds the names of a container in what the runtime has left on the host's disk: no
// runtime is asked. The mounts of a pod's container say the pod and the container.
//
// The folders of the runtimes are those of root, and the ID is the kernel's. Mounts are not:
// whoever is in a user namespace of his own makes any. He is believed no more than what the control
// group shows as well.
func (f *files) containerNames(pid int, l *container.Location) (names container.Names) {
	mounts := f.mounts(pid)
	believed := !f.alien(pid)
	for _, m := range mounts {
		// /var/lib/kubelet/pods/<uid>/etc-hosts,
		// /var/lib/kubelet/pods/<uid>/containers/<name>/<number>
		_, below, ok := strings.Cut(m.Root, "/pods/")
		parts := strings.Split(below, "/")
		switch {
		case !ok || !believed && container.PodUID(parts[0]) != l.PodUID:
		case m.Point == "/etc/hosts" && len(parts) == 2 && l.PodUID == "":
			l.PodUID = container.PodUID(parts[0])
		case m.Point == "/dev/termination-log" && len(parts) == 4 && parts[1] == "containers":
			names.PodContainer = container.Label(parts[2])
			if l.PodUID == "" {
				l.PodUID = container.PodUID(parts[0])
			}
		}
	}
	// Within a container anybody may be called like another one.
	if l.ID != "" && l.ID == l.Site.Outer {
		f.runtimeNames(pid, &names, l.ID, mounts, believed || l.Site.Session != "")
	}
	names.InPod(l.PodUID)
	return names
}

// bundles are where containerd keeps what it runs the containers of pods from.
var bundles = [...]string{
	"/run/containerd/io.containerd.runtime.v2.task/k8s.io", "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io",
	"/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/k8s.io",
}

// runtimeNames reads the names that a runtime keeps of a container, in its usual folder or, where
// the mounts are believed, that of the container's /etc/hostname.
func (f *files) runtimeNames(pid int, names *container.Names, id string, mounts []hostfs.Mount, believed bool) {
	root := f.hostRoot()
	docker := []string{"/var/lib/docker/containers/" + id, "/var/snap/docker/common/var-lib-docker/containers/" + id}
	if users := f.remapped(pid); users != "" {
		docker = append(docker, "/var/lib/docker/"+users+"/containers/"+id)
	}
	podman := []string{"/var/lib/containers/storage/overlay-containers"}
	if folder := f.containerFolder(id, mounts); believed && folder != "" {
		docker, podman = append(docker, folder), append(podman, path.Dir(folder))
	}
	for _, folder := range docker {
		if text, err := root.ReadFile(path.Join(folder, "config.v2.json"), maxNames); err == nil {
			names.ReadDocker(text)
			return
		}
	}
	for _, folder := range bundles {
		if text, err := root.ReadFile(path.Join(folder, id, "config.json"), maxNames); err == nil {
			names.ReadBundle(text)
			return
		}
	}
	for _, folder := range podman {
		if text, err := root.ReadFile(path.Join(folder, "containers.json"), maxNames); err == nil {
			names.ReadPodman(text, id)
		}
		if names.Name != "" {
			return
		}
	}
}

// remapped names the folder in which Docker keeps all of its containers that have users of their
// own (userns-remap): the user and the group of the host that their root is.
func (f *files) remapped(pid int) string {
	users, _ := f.ids(pid, "uid_map")
	groups, _ := f.ids(pid, "gid_map")
	root := func(r idRange) bool { return r.inner == 0 }
	user, group := slices.IndexFunc(users, root), slices.IndexFunc(groups, root)
	if user < 0 || group < 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", users[user].outer, groups[group].outer)
}

// containerFolder is the runtime's folder of a container: that of its /etc/hostname.
func (f *files) containerFolder(id string, mounts []hostfs.Mount) string {
	for _, m := range mounts {
		if m.Point != "/etc/hostname" && m.Point != "/etc/hosts" && m.Point != "/etc/resolv.conf" {
			continue
		}
		for folder := path.Dir(m.Root); folder != "/" && folder != "."; folder = path.Dir(folder) {
			if path.Base(folder) != id {
				continue
			}
			if host, ok := reach(f.mounts(1), m.Device, folder); ok {
				return host
			}
		}
	}
	return ""
}
