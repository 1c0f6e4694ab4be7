package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
)

// listenAddress is an address that the agent wants to listen on.
type listenAddress struct {
	path, address string
	guarded       bool // by TLS with client certificates, or by an authenticator
}

// The components that listen at their endpoints. Others' endpoints are of what they ask.
var listening = map[string]bool{
	"receivers::otlp": true, "receivers::jaeger": true, "receivers::zipkin": true,
	"exporters::prometheus":    true,
	"extensions::health_check": true, "extensions::healthcheckv2": true, "extensions::pprof": true, "extensions::zpages": true,
}

func (c *resolvedConfig) listeners() (list []listenAddress) {
	for _, component := range c.components() {
		if !listening[component.section+"::"+component.typ()] {
			continue
		}
		each(component.settings, component.String(), func(path, key string, in map[string]any, value any) {
			if address, _ := value.(string); key == "endpoint" && address != "" {
				guarded := asMap(in["auth"])["authenticator"] != nil || asMap(in["tls"])["client_ca_file"] != nil
				list = append(list, listenAddress{path, address, guarded})
			}
		})
	}
	metrics := asMap(asMap(asMap(c.all["service"])["telemetry"])["metrics"])
	readers, _ := metrics["readers"].([]any)
	for _, reader := range readers {
		prometheus := asMap(asMap(asMap(asMap(reader)["pull"])["exporter"])["prometheus"])
		if prometheus["port"] != nil {
			address := net.JoinHostPort(fmt.Sprint(prometheus["host"]), fmt.Sprint(prometheus["port"]))
			list = append(list, listenAddress{"service::telemetry::metrics", address, false})
		}
	}
	return list
}

// collides says that two cannot listen at the same time: an address of all takes a port of each.
func (l listenAddress) collides(other listenAddress) bool {
	port := portOf(l.address)
	if port == 0 || port != portOf(other.address) {
		return false
	}
	a, b := hostOf(l.address), hostOf(other.address)
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}

// hostOf is the address of a host; of a name other than localhost, and of none, that of all.
func hostOf(address string) netip.Addr {
	host, _, err := net.SplitHostPort(address)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	parsed, unknown := netip.ParseAddr(host)
	if err != nil || unknown != nil {
		return netip.IPv4Unspecified()
	}
	return parsed
}

// checkListeners looks whether each port is free, or the agent's already, and who may reach it.
func (c *resolvedConfig) checkListeners(ctx context.Context, proc string, agent int) (findings []finding) {
	var before []listenAddress
	for _, l := range c.listeners() {
		if i := slices.IndexFunc(before, l.collides); i >= 0 {
			other := before[i]
			detail := l.address + " is that of " + other.path + " as well"
			if l.address != other.address {
				detail = fmt.Sprintf("%s is taken by %s, which has %s", l.address, other.path, other.address)
			}
			findings = append(findings, finding{"ports", Failure, l.path, detail, "give one of the two another port"})
			continue
		}
		before = append(before, l)
		findings = append(findings, checkListener(ctx, l, proc, agent))
		if f, open := checkExposure(l); open {
			findings = append(findings, f)
		}
	}
	return findings
}

// remedy is for an address on which nobody can listen.
func (l listenAddress) remedy() string {
	_, port, err := net.SplitHostPort(l.address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		return "write HOST:PORT alone, as in 127.0.0.1:9464, without a scheme or a path"
	}
	return "write 127.0.0.1, or an address that this host has"
}

func checkListener(ctx context.Context, l listenAddress, proc string, agent int) finding {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", l.address)
	if err == nil {
		_ = socket.Close() // that it could be opened is what was asked
		return finding{"ports", OK, l.path, l.address + " is free", ""}
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return finding{"ports", Failure, l.path, err.Error(), l.remedy()}
	}
	owner, name := portOwner(proc, l.address)
	switch {
	case owner != 0 && owner == agent:
		return finding{"ports", OK, l.path, l.address + " is the agent's", ""}
	case owner != 0:
		return finding{"ports", Failure, l.path, fmt.Sprintf("%s is taken by pid %d (%s)", l.address, owner, name), "give one of the two another port"}
	case agent != 0:
		return finding{"ports", Info, l.path, l.address + " is taken, probably by the agent: it may not be seen by whom", ""}
	}
	return finding{"ports", Failure, l.path, l.address + " is taken, and it may not be seen by whom", "ss -ltnp, as root; then give one of the two another port"}
}

// checkExposure speaks of listeners that others on the network reach.
func checkExposure(l listenAddress) (finding, bool) {
	host, _, err := net.SplitHostPort(l.address)
	if err != nil {
		return finding{}, false
	}
	address, err := netip.ParseAddr(host)
	if l.guarded || host == "localhost" || (err == nil && address.IsLoopback()) {
		return finding{}, false
	}
	return finding{"ports", Warning, l.path, l.address + " can be reached from other hosts, and asks nobody who he is", "listen on 127.0.0.1, or see config/secure-*.yaml"}, true
}

func portOf(address string) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
