package container

import (
	"path"
	"regexp"
	"strings"
)

// Site is where a process runs by what lasts: the unit, the container, the session of a user. What
// is named is the same after it was created anew, when the paths, device numbers and users of its
// files are others.
//
// Whoever runs a container may make any control groups within it, and a user in his session. So
// what is outermost counts, and what is within only parts it further.
type Site struct {
	// Session is the slice of a user's own session.
	Session string
	// Service is the unit of systemd, also that which starts the container (Podman's Quadlet).
	Service string
	// Outer is the ID of the outermost container, or the name of a system container; empty on the
	// host.
	Outer string
	// Machine says that Outer is a name.
	Machine bool
	// Within is what is named in that container: units of its systemd, containers of its own.
	Within string
}

// passingUnit is a unit that systemd-run or a desktop has made for one command.
var passingUnit = regexp.MustCompile(`^(run-(r[0-9a-f]{8,}|[pu]?\d.*)|user@\d+|app-.*@[0-9a-f]{8,}|dbus-:.*)\.service$`)

var sessionPattern = regexp.MustCompile(`^user-\d+\.slice$`)

// managers are units that start containers of others.
var managers = map[string]bool{
	"docker.service": true, "snap.docker.dockerd.service": true, "containerd.service": true, "podman.service": true, "crio.service": true,
	"kubelet.service": true, "k3s.service": true, "k3s-agent.service": true, "rke2-server.service": true, "rke2-agent.service": true,
	"microk8s.daemon-containerd.service": true, "snap.microk8s.daemon-containerd.service": true, "nomad.service": true, "lxc.service": true, "lxd.service": true,
}

// siteOf goes through a path from the outside inwards.
func siteOf(where string) (p Site) {
	for part := range strings.SplitSeq(where, "/") {
		id, machine := machineName(part)
		if found := idPattern.FindStringSubmatch(part); found != nil {
			id, machine = found[1], false
		}
		switch {
		case id != "" && p.Outer == "":
			p.Outer, p.Machine = id, machine
		case id != "" && id != p.Outer:
			p.Within += "/" + id
		case id != "":
		case p.Outer == "" && sessionPattern.MatchString(part):
			p.Session = part
		case path.Ext(part) != ".service" || passingUnit.MatchString(part) || managers[part]:
		case p.Outer == "":
			p.Service = part
		default:
			p.Within += "/" + part
		}
	}
	return p
}

// machineName is that of a system container: of LXC and Incus, or of systemd-nspawn.
func machineName(part string) (string, bool) {
	for _, known := range [...]struct{ prefix, suffix string }{
		{"lxc.payload.", ""}, {"machine-", ".scope"}, {"systemd-nspawn@", ".service"},
	} {
		if rest, ok := strings.CutPrefix(part, known.prefix); ok && strings.HasSuffix(rest, known.suffix) {
			return strings.TrimSuffix(rest, known.suffix), true
		}
	}
	return "", false
}

// Who names the place; empty where nothing does. Lasting is what the container is called by its
// runtime: without a name that lasts, its ID is as good until it is created anew.
func (p *Site) Who(lasting string) string {
	var who string
	switch {
	case p.Service != "":
		who = "unit " + p.Service
	case p.Outer == "":
		return ""
	case p.Machine:
		who = "machine " + p.Outer
	case lasting != "":
		who = lasting
	default:
		who = "container " + p.Outer
	}
	if p.Session != "" {
		who = p.Session + " " + who
	}
	return who + p.Within
}
