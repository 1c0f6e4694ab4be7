package configcheck

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// ListenAddress is an address that the agent wants to listen on.
type ListenAddress struct {
	Path, Address string
	// Guarded is by TLS with client certificates, or by an authenticator.
	Guarded bool
}

// The components that listen at their endpoints. Others' endpoints are of what they ask.
var listening = map[string]bool{
	"receivers::otlp": true, "receivers::jaeger": true, "receivers::zipkin": true,
	"exporters::prometheus":    true,
	"extensions::health_check": true, "extensions::healthcheckv2": true, "extensions::pprof": true, "extensions::zpages": true,
}

// Listeners are all of the components that the service uses, and that of its own telemetry.
func (c *Configuration) Listeners() (list []ListenAddress) {
	for _, component := range c.Components() {
		if !listening[component.Section+"::"+component.Type()] {
			continue
		}
		component.Each(func(path, key string, in map[string]any, value any) {
			if address, _ := value.(string); key == "endpoint" && address != "" {
				guarded := asMap(in["auth"])["authenticator"] != nil || asMap(in["tls"])["client_ca_file"] != nil
				list = append(list, ListenAddress{path, address, guarded})
			}
		})
	}
	metrics := asMap(asMap(asMap(c.All["service"])["telemetry"])["metrics"])
	readers, _ := metrics["readers"].([]any)
	for _, reader := range readers {
		prometheus := asMap(asMap(asMap(asMap(reader)["pull"])["exporter"])["prometheus"])
		if prometheus["port"] != nil {
			address := net.JoinHostPort(fmt.Sprint(prometheus["host"]), fmt.Sprint(prometheus["port"]))
			list = append(list, ListenAddress{"service::telemetry::metrics", address, false})
		}
	}
	return list
}

// portClashes are listeners of the configuration that take a port of another one.
func (c *Configuration) portClashes() (list []Refusal) {
	var before []ListenAddress
	for _, l := range c.Listeners() {
		i := slices.IndexFunc(before, l.collides)
		if i < 0 {
			before = append(before, l)
			continue
		}
		what := l.Address + " is that of " + before[i].Path + " as well"
		if l.Address != before[i].Address {
			what = fmt.Sprintf("%s is taken by %s, which has %s", l.Address, before[i].Path, before[i].Address)
		}
		list = append(list, Refusal{Path: l.Path, What: what, Remedy: "give one of the two another port"})
	}
	return list
}

// collides says that two cannot listen at the same time: an address of all takes a port of each of
// its family, and that of IPv6 the others' as well. Which address a name has is not asked.
func (l ListenAddress) collides(other ListenAddress) bool {
	port := l.Port()
	if port == 0 || port != other.Port() {
		return false
	}
	a, b := l.host(), other.host()
	switch {
	case !a.IsValid() || !b.IsValid():
		return l.Address == other.Address
	case a == b, a == netip.IPv6Unspecified(), b == netip.IPv6Unspecified():
		return true
	}
	return a.Is4() == b.Is4() && (a.IsUnspecified() || b.IsUnspecified())
}

// host is the address of a host, and that of all where there is none; of a name other than
// localhost it is no valid one.
func (l ListenAddress) host() netip.Addr {
	host, _, _ := net.SplitHostPort(l.Address) // there is a port
	switch host {
	case "":
		return netip.IPv6Unspecified()
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	parsed, _ := netip.ParseAddr(host) // the zero value is no valid one
	return parsed.Unmap()
}

// Port is 0 where there is none, or where the system chooses one.
func (l ListenAddress) Port() int {
	_, text, err := net.SplitHostPort(l.Address)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
