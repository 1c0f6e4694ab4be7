package hostnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Route is where an address leads from this network namespace.
type Route uint8

const (
	// RouteNone leads nowhere.
	RouteNone Route = iota
	// RouteLocal is an address of this host itself.
	RouteLocal
	// RouteOnLink is reached directly through an interface: the other end of a veth, a host on the
	// same bridge or LAN.
	RouteOnLink
	// RouteGateway is reached through another host, or by a route that stands for the whole world,
	// such as the default route through a tunnel: who is at its other end is not known.
	RouteGateway
)

const routeMessageSize = 12 // struct rtmsg

// Layout of struct rtmsg, https://man7.org/linux/man-pages/man7/rtnetlink.7.html.
const (
	routeFamily = 0
	routeBits   = 1
	routeType   = 7
	routeFlags  = 8

	// attributeNexthop is RTA_NH_ID: where sysctl net.ipv4.nexthop_compat_mode is off, a route by a
	// nexthop object does not show its gateway.
	attributeNexthop = 30
)

// shortestNetwork is the least length of the prefix of a network that hosts are directly connected
// to. A tunnel without a gateway is given 0.0.0.0/0, 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3.
const shortestNetwork = 8

// RouteTo asks the kernel how it would send to an address. Nothing is sent there.
func RouteTo(address netip.Addr) (Route, error) {
	address = address.Unmap()
	raw := address.AsSlice()
	request := make([]byte, routeMessageSize, routeMessageSize+attributeAlignment+len(raw))
	request[routeFamily], request[routeBits] = unix.AF_INET, uint8(address.BitLen())
	if address.Is6() {
		request[routeFamily] = unix.AF_INET6
	}
	// What is asked for is the entry of the table, which says how much it stands for.
	binary.NativeEndian.PutUint32(request[routeFlags:], unix.RTM_F_FIB_MATCH)
	request = binary.NativeEndian.AppendUint16(request, uint16(attributeAlignment+len(raw)))
	request = binary.NativeEndian.AppendUint16(request, unix.RTA_DST)
	request = append(request, raw...)
	route := RouteNone
	err := ask(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, 0, request, func(data []byte) { route = parseRoute(data) })
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return RouteNone, nil // no route, or one of the types unreachable, prohibit and blackhole
	case err != nil:
		return RouteNone, fmt.Errorf("ask for a route: %w", err)
	}
	return route, nil
}

func parseRoute(data []byte) Route {
	if len(data) < routeMessageSize {
		return RouteNone
	}
	attributes := data[routeMessageSize:]
	switch data[routeType] {
	case unix.RTN_LOCAL:
		return RouteLocal
	case unix.RTN_UNICAST:
		for _, kind := range []uint16{unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_MULTIPATH, attributeNexthop} {
			if attribute(attributes, kind) != nil {
				return RouteGateway
			}
		}
		if data[routeBits] < shortestNetwork {
			return RouteGateway
		}
		return RouteOnLink
	default:
		return RouteNone // broadcast, multicast
	}
}
