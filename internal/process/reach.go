package process

import (
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
)

// Barrier says why a known port is not asked from here; empty where it may be. The set is fixed.
//
// An address that /proc shows of a process is a claim: whoever may make a network namespace may
// give it the address of a metadata service or of a neighbour, and a socket may be bound to an
// address that is not there (IP_FREEBIND). Asked from the host's network, such an address
// leads to somebody else.
type Barrier string

// The barriers.
const (
	// BarrierLoopback: the port listens on the loopback of another network namespace.
	BarrierLoopback Barrier = "it listens on the loopback of another network namespace"
	// BarrierNamespace: the network namespace may not be looked at, or belongs to a user namespace
	// of its own: a rootless container, userns-remap, `unshare -Urn`.
	BarrierNamespace Barrier = "its network namespace is not known to be owned by the host"
	// BarrierAddress: no address of the namespace is directly connected to this host.
	BarrierAddress Barrier = "none of its addresses is on a network that this host is directly connected to"
	// BarrierForeign: the socket is bound to an address that its network namespace does not have.
	BarrierForeign Barrier = "it is bound to an address that its network namespace does not have"
)

// network is what the kernel knows and /proc does not show.
type network interface {
	// owned says whether a network namespace, named by its file, was made by the host's root.
	owned(namespace string) bool
	// maker is the user who made a user namespace.
	maker(namespace string) (uid int, ok bool)
	// route says where an address leads from here.
	route(address netip.Addr) hostnet.Route
}

// reachable turns the address that a socket is bound to into one that leads there from here, or
// says what is in the way.
func (f *files) reachable(pid int, s listener) (netip.AddrPort, Barrier) {
	address, number := s.address.Addr(), s.address.Port()
	if f.foreignNetwork(pid) {
		return f.foreignAddress(pid, s)
	}
	switch {
	case address.IsUnspecified() && address.Is4():
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case address.IsUnspecified():
		address = netip.IPv6Loopback()
	case !address.IsLoopback() && f.network.route(address) != hostnet.RouteLocal:
		return netip.AddrPort{}, BarrierForeign
	}
	return netip.AddrPortFrom(address, number), ""
}

// foreignAddress is the address of a container on a bridge, or of whatever else the host's root has
// connected to the host.
func (f *files) foreignAddress(pid int, s listener) (netip.AddrPort, Barrier) {
	address := s.address.Addr()
	if address.IsLoopback() {
		return netip.AddrPort{}, BarrierLoopback
	}
	if !f.network.owned(f.path(pid, "ns/net")) {
		return netip.AddrPort{}, BarrierNamespace
	}
	candidates := f.localAddresses(pid)
	if !address.IsUnspecified() {
		if address.Is6() {
			candidates = f.localIPv6(pid)
		}
		if !slices.Contains(candidates, address) {
			return netip.AddrPort{}, BarrierForeign
		}
		candidates = []netip.Addr{address}
	}
	i := slices.IndexFunc(candidates, f.neighbour)
	if i < 0 {
		return netip.AddrPort{}, BarrierAddress
	}
	return netip.AddrPortFrom(candidates[i], s.address.Port()), ""
}

// neighbour says whether an address is that of another host on a network that this one is connected
// to. Link-local addresses are excluded wherever they lead: 169.254.169.254 is the metadata service
// of most clouds.
func (f *files) neighbour(a netip.Addr) bool {
	if !a.IsGlobalUnicast() { // loopback, link-local, multicast, unspecified
		return false
	}
	return f.network.route(a) == hostnet.RouteOnLink
}

func (f *files) localAddresses(pid int) []netip.Addr {
	file, err := os.Open(f.path(pid, "net/fib_trie"))
	if err != nil {
		return nil
	}
	defer file.Close()
	return parseLocalIPv4(file)
}

func (f *files) localIPv6(pid int) []netip.Addr {
	file, err := os.Open(f.path(pid, "net/if_inet6"))
	if err != nil {
		return nil
	}
	defer file.Close()
	return parseLocalIPv6(file)
}

// kernelNetwork asks the kernel.
type kernelNetwork struct{}

// initialUserNamespace is PROC_USER_INIT_INO, the inode of the user namespace that the kernel
// starts with, https://elixir.bootlin.com/linux/v6.18/source/include/linux/proc_ns.h.
const initialUserNamespace = 0xEFFFFFFD

// owned asks for the user namespace that owns the namespace, with NS_GET_USERNS, see ioctl_ns(2).
// It must be the initial one, or that of this very process: a collector in a system container (LXC)
// is in the user namespace of that container's root. The kernel refuses to name an owner that is
// outside of the caller's user namespace.
func (kernelNetwork) owned(namespace string) bool {
	file, err := os.Open(namespace)
	if err != nil {
		return false
	}
	defer file.Close()
	fd, err := unix.IoctlRetInt(int(file.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return false
	}
	owner := os.NewFile(uintptr(fd), "user namespace")
	defer owner.Close()
	var theirs, own unix.Stat_t
	if unix.Fstat(fd, &theirs) != nil {
		return false
	}
	return theirs.Ino == initialUserNamespace || unix.Stat("/proc/self/ns/user", &own) == nil && own.Dev == theirs.Dev && own.Ino == theirs.Ino
}

func (kernelNetwork) route(address netip.Addr) hostnet.Route {
	route, err := hostnet.RouteTo(address)
	if err != nil {
		return hostnet.RouteNone
	}
	return route
}
