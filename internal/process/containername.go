package process

import (
	"path"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
)

// Bounds on what is read: a process is in up to 14 hierarchies, each path of up to 4 KiB; a network
// namespace has some interfaces; a runtime writes what its container was told, environment
// included.
const (
	maxCgroup = 64 << 10
	maxNetDev = 64 << 10
	maxNames  = 1 << 20
)

// nameContainer finds the names of a container in what the runtime has left on the host's disk:
// no runtime is asked. The mounts of a pod's container say the pod and the container.
func (t *Table) nameContainer(a *enclosure) {
	for _, m := range t.files.mounts(a.of.PID) {
		// /var/lib/kubelet/pods/<uid>/etc-hosts,
		// /var/lib/kubelet/pods/<uid>/containers/<name>/<number>
		_, below, ok := strings.Cut(m.Root, "/pods/")
		parts := strings.Split(below, "/")
		switch {
		case !ok:
		case m.Point == "/etc/hosts" && len(parts) == 2 && a.location.PodUID == "":
			a.location.PodUID = container.PodUID(parts[0])
		case m.Point == "/dev/termination-log" && len(parts) == 4 && parts[1] == "containers":
			a.names.PodContainer = container.Label(parts[2])
		}
	}
	if a.location.ID == "" {
		return
	}
	root := t.files.hostRoot()
	for _, folder := range []string{"/var/lib/docker/containers", "/var/snap/docker/common/var-lib-docker/containers"} {
		if text, err := root.ReadFile(path.Join(folder, a.location.ID, "config.v2.json"), maxNames); err == nil {
			a.names.ReadDocker(text)
			return
		}
	}
	if text, err := root.ReadFile("/var/lib/containers/storage/overlay-containers/containers.json", maxNames); err == nil {
		a.names.ReadPodman(text, a.location.ID)
	}
}
