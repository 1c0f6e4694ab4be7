package hostnet

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestRoutesThroughATunnel: a default route that names a device only connects the host with nobody.
func TestRoutesThroughATunnel(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test makes a namespace and must be run as root")
	got := map[string]Route{}
	var made error
	var output []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if made = unix.Unshare(unix.CLONE_NEWNET); made != nil {
			return
		}
		output, made = exec.Command("sh", "-ec", `ip link set lo up
ip link add lan0 type veth peer name lan1; ip addr add 10.89.0.1/24 dev lan0; ip addr add fd00:89::1/64 dev lan0 nodad
ip link add tun0 type veth peer name tun1
for link in lan0 lan1 tun0 tun1; do ip link set $link up; done
ip route add default dev tun0; ip route add 128.0.0.0/1 dev tun0; ip route add 10.99.0.0/16 via 10.89.0.2
ip -6 route add default dev tun0; ip -6 route add 2000::/3 dev tun0`).CombinedOutput()
		for _, address := range []string{"10.89.0.1", "10.89.0.2", "10.99.0.1", "100.100.100.200", "192.0.2.1", "fd00:89::1", "fd00:89::2", "2001:db8::1", "fd00:99::1"} {
			if made == nil {
				got[address], made = RouteTo(netip.MustParseAddr(address))
			}
		}
	}()
	<-done
	require.NoError(t, made, "%s", output)
	assert.Equal(t, map[string]Route{
		"10.89.0.1": RouteLocal, "10.89.0.2": RouteOnLink, "10.99.0.1": RouteGateway, "100.100.100.200": RouteGateway, "192.0.2.1": RouteGateway,
		"fd00:89::1": RouteLocal, "fd00:89::2": RouteOnLink, "2001:db8::1": RouteGateway, "fd00:99::1": RouteGateway,
	}, got)
}
