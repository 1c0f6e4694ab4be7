package webprobe

import (
	"iter"
	"net/url"
	"strconv"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// Endpoint is a server that the configuration names by its URL.
type Endpoint struct {
	// Instance is the configured name of the instance.
	Instance string
	URL      *url.URL
	// Folders are those of the instance, as the collector sees them. Who owns one may serve the
	// endpoint, see guard.
	Folders []string
}

// targets are the servers to ask: those of the processes that live, and those that are configured.
func targets(snapshot *process.Snapshot, endpoints []Endpoint) []webui.Target {
	var list []webui.Target
	for _, endpoint := range endpoints {
		list = append(list, webui.Target{Instance: endpoint.Instance, Port: webui.PortOf(endpoint.URL), URL: endpoint.URL})
	}
	if snapshot == nil {
		return list
	}
	for i := range snapshot.Instances {
		for _, server := range snapshot.Instances[i].Servers {
			list = append(list, target(snapshot.Instances[i].ID, server))
		}
	}
	return list
}

// known are the instances whose servers are remembered.
func known(snapshot *process.Snapshot, endpoints []Endpoint) []string {
	var ids []string
	for _, endpoint := range endpoints {
		ids = append(ids, endpoint.Instance)
	}
	if snapshot != nil {
		for i := range snapshot.Instances {
			ids = append(ids, snapshot.Instances[i].ID)
		}
	}
	return ids
}

func target(instance string, s process.ServerProcess) webui.Target {
	t := webui.Target{
		Instance: instance,
		Process:  strconv.Itoa(s.PID) + "/" + strconv.FormatUint(s.StartTicks, 10),
		Port:     s.Port,
		Unknown:  s.PortUnknown,
	}
	t.NotProbed = !t.Unknown && s.Port != 0 && !s.Address.IsValid()
	if s.Address.IsValid() {
		t.URL = &url.URL{Scheme: "http", Host: s.Address.String()}
	}
	return t
}

func sameTarget(a, b webui.Target) bool {
	return a.Instance == b.Instance && a.Process == b.Process && a.Port == b.Port && a.Unknown == b.Unknown && a.NotProbed == b.NotProbed
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
