package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
)

// checkListeners looks whether each port is free, or the agent's already, and who may reach it. Of
// those that take a port of each other the refusals speak.
func (c *resolvedConfig) checkListeners(ctx context.Context, proc string, agent int) (findings []finding) {
	for _, l := range c.Listeners() {
		if c.refuses(l.Path) {
			continue
		}
		findings = append(findings, checkListener(ctx, l, proc, agent))
		if f, open := checkExposure(l); open {
			findings = append(findings, f)
		}
	}
	return findings
}

// listenRemedy is for an address on which nobody can listen.
func listenRemedy(l configcheck.ListenAddress) string {
	_, port, err := net.SplitHostPort(l.Address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		return "write HOST:PORT alone, as in 127.0.0.1:9464, without a scheme or a path"
	}
	return "write 127.0.0.1, or an address that this host has"
}

func checkListener(ctx context.Context, l configcheck.ListenAddress, proc string, agent int) finding {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
	if err == nil {
		_ = socket.Close() // that it could be opened is what was asked
		return finding{"ports", OK, l.Path, l.Address + " is free", ""}
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return finding{"ports", Failure, l.Path, err.Error(), listenRemedy(l)}
	}
	owner, name := portOwner(proc, l.Address)
	switch {
	case owner != 0 && owner == agent:
		return finding{"ports", OK, l.Path, l.Address + " is the agent's", ""}
	case owner != 0:
		return finding{"ports", Failure, l.Path, fmt.Sprintf("%s is taken by pid %d (%s)", l.Address, owner, name), "give one of the two another port"}
	case agent != 0:
		return finding{"ports", Info, l.Path, l.Address + " is taken, probably by the agent: it may not be seen by whom", ""}
	}
	return finding{"ports", Failure, l.Path, l.Address + " is taken, and it may not be seen by whom", "ss -ltnp, as root; then give one of the two another port"}
}

// checkExposure speaks of listeners that others on the network reach.
func checkExposure(l configcheck.ListenAddress) (finding, bool) {
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return finding{}, false
	}
	address, err := netip.ParseAddr(host)
	if l.Guarded || host == "localhost" || (err == nil && address.IsLoopback()) {
		return finding{}, false
	}
	return finding{"ports", Warning, l.Path, l.Address + " can be reached from other hosts, and asks nobody who he is", "listen on 127.0.0.1, or see config/secure-*.yaml"}, true
}
