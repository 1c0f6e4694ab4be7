package hostnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Listener is a listening TCP socket.
type Listener struct {
	Address netip.AddrPort
	// UID is the user that made the socket.
	UID int
	// Inode is that of /proc/<pid>/fd; Cookie is a number that the kernel gives to no other socket
	// until it is booted anew.
	Inode  uint32
	Cookie uint64
	// V6Only says that a socket of IPv6 takes no connections of IPv4.
	V6Only bool
	// Interface is the index of the interface that it is bound to, 0 for all.
	Interface uint32
}

// Layout of struct inet_diag_req_v2 and struct inet_diag_msg,
// https://elixir.bootlin.com/linux/v6.18/source/include/uapi/linux/inet_diag.h.
const (
	diagRequestSize = 56
	diagStates      = 4
	diagPort        = 4
	diagSource      = 8
	diagInterface   = 40
	diagCookie      = 44
	diagUID         = 64
	diagInode       = 68
	diagMessageSize = 72

	stateListen        = 10 // TCP_LISTEN
	attributeV6Only    = 11 // INET_DIAG_SKV6ONLY, always sent for a listening socket of IPv6
	sockDiagByFamily   = 20
	loopbackInterface  = 1 // in every network namespace
	attributeAlignment = 4
)

// Listeners returns the listening TCP sockets of this network namespace, those of IPv4 first.
func Listeners() ([]Listener, error) {
	var list []Listener
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		request := make([]byte, diagRequestSize)
		request[0], request[1] = family, unix.IPPROTO_TCP
		binary.NativeEndian.PutUint32(request[diagStates:], 1<<stateListen)
		err := ask(unix.NETLINK_SOCK_DIAG, sockDiagByFamily, unix.NLM_F_DUMP, request, func(data []byte) {
			if l, ok := parseListener(data); ok {
				list = append(list, l)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("list listening sockets: %w", err)
		}
	}
	return list, nil
}

func parseListener(data []byte) (Listener, bool) {
	if len(data) < diagMessageSize || data[1] != stateListen {
		return Listener{}, false
	}
	size := 4
	if data[0] == unix.AF_INET6 {
		size = 16
	}
	address, ok := netip.AddrFromSlice(data[diagSource : diagSource+size])
	l := Listener{
		Address:   netip.AddrPortFrom(address.Unmap(), binary.BigEndian.Uint16(data[diagPort:])),
		UID:       int(binary.NativeEndian.Uint32(data[diagUID:])),
		Inode:     binary.NativeEndian.Uint32(data[diagInode:]),
		Cookie:    binary.NativeEndian.Uint64(data[diagCookie:]),
		Interface: binary.NativeEndian.Uint32(data[diagInterface:]),
	}
	if v := attribute(data[diagMessageSize:], attributeV6Only); len(v) > 0 {
		l.V6Only = v[0] != 0
	}
	return l, ok
}

// attribute finds one of a list of netlink attributes; nil where it is missing.
func attribute(list []byte, kind uint16) []byte {
	for len(list) >= attributeAlignment {
		size := int(binary.NativeEndian.Uint16(list))
		if size < attributeAlignment || size > len(list) {
			return nil
		}
		if binary.NativeEndian.Uint16(list[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return list[attributeAlignment:size]
		}
		aligned := (size + attributeAlignment - 1) &^ (attributeAlignment - 1)
		list = list[min(aligned, len(list)):]
	}
	return nil
}

// Accepts says whether a connection from this host to an address of its own may come to the socket.
func (l *Listener) Accepts(to netip.AddrPort) bool {
	address, bound := to.Addr().Unmap(), l.Address.Addr()
	switch {
	case l.Address.Port() != to.Port():
		return false
	case l.Interface != 0 && l.Interface != loopbackInterface:
		// What the host sends to itself goes through the loopback interface, whatever the address.
		return false
	case bound == address.WithZone(""):
		return true
	case !bound.IsUnspecified():
		return false
	case bound.Is4():
		return address.Is4()
	default:
		return address.Is6() || !l.V6Only
	}
}
