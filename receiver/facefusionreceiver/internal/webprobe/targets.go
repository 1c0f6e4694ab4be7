package webprobe

import (
	"iter"
	"net/url"
	"slices"
	"strconv"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// ConfiguredInstance is what the configuration says of one instance.
type ConfiguredInstance struct {
	Name string
	// Endpoint is the URL of its server, where that is named.
	Endpoint *url.URL
	// Health is its health check, nil without one.
	Health *HealthConfig
	// Folders are those of the instance, as the collector sees them. Who owns one may serve the
	// endpoint, see guard.
	Folders []string
	// check is made of Health when the probe starts.
	check *webui.HealthCheck
}

// targets are the servers to ask: those of the processes that live, and those that are configured.
func targets(snapshot *process.Snapshot, configured []ConfiguredInstance) []webui.Target {
	var list []webui.Target
	for _, c := range configured {
		if c.Endpoint != nil {
			list = append(list, webui.Target{Instance: c.Name, Port: webui.PortOf(c.Endpoint), URL: c.Endpoint, Stopped: stopped(snapshot, c.Name)})
		}
	}
	if snapshot != nil {
		for i := range snapshot.Instances {
			list = appendFound(list, &snapshot.Instances[i])
		}
	}
	for _, c := range configured {
		if c.check != nil {
			list = attach(list, c.Name, c.check)
		}
	}
	return list
}

// stopped says that an instance was stopped on purpose, and may be.
func stopped(snapshot *process.Snapshot, instance string) bool {
	return snapshot != nil && slices.ContainsFunc(snapshot.Instances, func(i process.Instance) bool { return i.ID == instance && i.Stopped })
}

// appendFound appends the servers of an instance's processes, and those that it had and that no
// other replaced. An instance that should run and does not is reported as down, unless nobody could
// look.
func appendFound(list []webui.Target, i *process.Instance) []webui.Target {
	for _, server := range i.Servers {
		list = append(list, target(i, server))
	}
	had := len(list)
	for _, e := range i.Ended {
		if e.Serves {
			list = append(list, webui.Target{Instance: i.ID, Process: identity(e.ID), Port: e.Port, Gone: true, Stopped: e.Stopped})
		}
	}
	if len(list) == had && i.Expected && len(i.Processes) == 0 && !i.Unseen {
		list = append(list, webui.Target{Instance: i.ID, Gone: true})
	}
	return list
}

// attach gives a health check to the server of an instance that it is of: the one on its port, else
// the only one, else one of its own.
func attach(list []webui.Target, instance string, check *webui.HealthCheck) []webui.Target {
	only, gone := -1, (*webui.Target)(nil)
	for n := range list {
		t := &list[n]
		switch {
		case t.Instance != instance:
		case t.Gone && t.Port == webui.PortOf(check.URL):
			return list // nobody is there to be asked
		case t.Gone:
			gone = t
		case t.Port == webui.PortOf(check.URL):
			t.Check = check
			return list
		case only < 0:
			only = n
		default:
			only = len(list)
		}
	}
	if only >= 0 && only < len(list) {
		list[only].Check = check
		return list
	}
	if gone != nil {
		if gone.Port == 0 { // where it will listen is known from the check alone
			gone.Port = webui.PortOf(check.URL)
		}
		return list
	}
	return append(list, webui.Target{Instance: instance, Port: webui.PortOf(check.URL), Check: check})
}

// known are the instances whose servers are remembered.
func known(snapshot *process.Snapshot, configured []ConfiguredInstance) []string {
	var ids []string
	for _, c := range configured {
		ids = append(ids, c.Name)
	}
	if snapshot != nil {
		for i := range snapshot.Instances {
			ids = append(ids, snapshot.Instances[i].ID)
		}
	}
	return ids
}

func target(i *process.Instance, s process.ServerProcess) webui.Target {
	t := webui.Target{
		Instance: i.ID,
		Owner:    "user " + strconv.Itoa(i.UID),
		Process:  identity(s.ID),
		Port:     s.Port,
		Unknown:  s.PortUnknown,
	}
	t.NotProbed = !t.Unknown && s.Port != 0 && !s.Address.IsValid()
	if s.Address.IsValid() {
		t.URL = &url.URL{Scheme: "http", Host: s.Address.String()}
	}
	for _, other := range s.Others {
		t.Others = append(t.Others, webui.Address{Port: other.Port(), URL: &url.URL{Scheme: "http", Host: other.String()}})
	}
	return t
}

// identity distinguishes one process from the next. It is empty for a process of an earlier boot,
// of which nothing is left.
func identity(id process.ID) string {
	if id == (process.ID{}) {
		return ""
	}
	return strconv.Itoa(id.PID) + "/" + strconv.FormatUint(id.StartTicks, 10)
}

func sameTarget(a, b webui.Target) bool {
	return a.Instance == b.Instance && a.Process == b.Process && a.Port == b.Port && a.Unknown == b.Unknown && a.NotProbed == b.NotProbed &&
		a.Gone == b.Gone && a.Stopped == b.Stopped && hostOf(a) == hostOf(b)
}

// hostOf is where a server is asked: a container that is connected to another network moves.
func hostOf(t webui.Target) string {
	if t.URL == nil {
		return ""
	}
	return t.URL.Host
}

// byInstance yields the servers of one instance after the other; they come sorted.
func byInstance(servers []webui.Server) iter.Seq[[]webui.Server] {
	return func(yield func([]webui.Server) bool) {
		for len(servers) > 0 {
			n := 1
			for n < len(servers) && servers[n].Instance == servers[0].Instance {
				n++
			}
			if !yield(servers[:n]) {
				return
			}
			servers = servers[n:]
		}
	}
}
