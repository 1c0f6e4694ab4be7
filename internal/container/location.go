package container

import (
	"path"
	"regexp"
	"strings"
)

// Location is where a process is, from /proc/<pid>/cgroup.
type Location struct {
	// ID is that of the container, 64 hexadecimal digits; empty outside of one.
	ID string
	// PodUID is that of the Kubernetes pod.
	PodUID string
	// Unit is the service of systemd, "facefusion.service", that is the last part of the path.
	Unit string
	// Site is where that is by what lasts.
	Site Site
	// unified is the path in the hierarchy of version 2, legacy those of version 1 by controller.
	unified string
	legacy  map[string]legacyPath
}

// legacyPath is a path in a hierarchy of version 1, and the name that its mount usually has: that
// of its controllers together, "cpu,cpuacct".
type legacyPath struct{ mount, path string }

// The forms in which runtimes write an id and a pod into a path:
//
//	/system.slice/docker-<id>.scope, /docker/<id>
//	/kubepods.slice/…/kubepods-burstable-pod<uid, with _>.slice/cri-containerd-<id>.scope
//	/kubepods/burstable/pod<uid>/<id>
//	/machine.slice/libpod-<id>.scope/container
var (
	idPattern  = regexp.MustCompile(`(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$`)
	podPattern = regexp.MustCompile(`(?:^|[-/])pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})(?:\.slice)?(?:/|$)`)
)

// ParseLocation reads /proc/<pid>/cgroup: a line for each hierarchy, "number:controllers:path".
// That of version 2 has the number 0 and no controllers.
func ParseLocation(text []byte) Location {
	p := Location{legacy: map[string]legacyPath{}}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		where := strings.TrimSuffix(parts[2], " (deleted)")
		if parts[0] == "0" && parts[1] == "" {
			p.unified = where
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			if controller != "" {
				p.legacy[controller] = legacyPath{parts[1], where}
			}
		}
		p.name(where)
	}
	return p
}

func (p *Location) name(where string) {
	// Of several hierarchies, all that name a container name the same one.
	if s := siteOf(where); p.Site.Outer == "" && (s.Outer != "" || p.Site == Site{}) {
		p.Site = s
	}
	// The innermost is the one that the process runs in. Matches do not overlap, so each part is
	// looked at by itself.
	for part := range strings.SplitSeq(where, "/") {
		if found := idPattern.FindStringSubmatch(part); found != nil {
			p.ID = found[1]
		}
	}
	if found := podPattern.FindStringSubmatch(where); found != nil {
		p.PodUID = strings.ReplaceAll(found[1], "_", "-")
	}
	if base := path.Base(where); strings.HasSuffix(base, ".service") && !strings.Contains(where, "/user@") {
		p.Unit = base
	}
}

// Bounded says that the control group is one of its own: of a container, or of a service. The rest
// is a login session or the whole host.
func (p *Location) Bounded() bool { return p.ID != "" || p.PodUID != "" || p.Unit != "" }

// Same says that two processes are in the same control groups.
func (p *Location) Same(q *Location) bool {
	return p.unified == q.unified && p.legacy["memory"] == q.legacy["memory"] && p.legacy["cpu"] == q.legacy["cpu"]
}
