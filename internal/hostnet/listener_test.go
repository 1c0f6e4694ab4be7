package hostnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// listen opens a real socket, and finds it.
func listen(t *testing.T, network, address string) Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	list, err := Listeners()
	require.NoError(t, err)
	for _, found := range list {
		if found.Address.Port() == port {
			return found
		}
	}
	require.Fail(t, "not listed", "%v in %v", l.Addr(), list)
	return Listener{}
}

func TestListeners(t *testing.T) {
	four := listen(t, "tcp4", "127.0.0.1:0")
	assert.Equal(t, "127.0.0.1", four.Address.Addr().String())
	assert.Equal(t, os.Geteuid(), four.UID)
	assert.NotZero(t, four.Inode)
	assert.NotZero(t, four.Cookie)

	six := listen(t, "tcp6", "[::]:0") // Go switches IPV6_V6ONLY on for tcp6
	assert.True(t, six.Address.Addr().Is6())
	assert.True(t, six.V6Only)
	both := listen(t, "tcp", ":0")
	assert.False(t, both.V6Only)
	assert.NotEqual(t, six.Cookie, both.Cookie)
}

func TestOneSocketIsTheSameInTwoLists(t *testing.T) {
	first := listen(t, "tcp4", "127.0.0.1:0")
	list, err := Listeners()
	require.NoError(t, err)
	assert.Contains(t, list, first)
}

func TestAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		bound    string
		v6only   bool
		device   uint32
		to       string
		accepted bool
	}{
		"same":                  {bound: "127.0.0.1:80", to: "127.0.0.1:80", accepted: true},
		"other port":            {bound: "127.0.0.1:80", to: "127.0.0.1:81"},
		"other address":         {bound: "127.0.0.2:80", to: "127.0.0.1:80"},
		"wildcard":              {bound: "0.0.0.0:80", to: "127.0.0.1:80", accepted: true},
		"wildcard of the other": {bound: "0.0.0.0:80", to: "[::1]:80"},
		"both families":         {bound: "[::]:80", to: "127.0.0.1:80", accepted: true},
		"IPv6 only":             {bound: "[::]:80", v6only: true, to: "127.0.0.1:80"},
		"IPv6":                  {bound: "[::]:80", v6only: true, to: "[::1]:80", accepted: true},
		"mapped":                {bound: "127.0.0.1:80", to: "[::ffff:127.0.0.1]:80", accepted: true},
		"loopback's interface":  {bound: "0.0.0.0:80", device: 1, to: "127.0.0.1:80", accepted: true},
		"other interface":       {bound: "0.0.0.0:80", device: 2, to: "127.0.0.1:80"},
	} {
		t.Run(name, func(t *testing.T) {
			l := Listener{Address: netip.MustParseAddrPort(c.bound), V6Only: c.v6only, Interface: c.device}
			assert.Equal(t, c.accepted, l.Accepts(netip.MustParseAddrPort(c.to)))
		})
	}
}

func TestRoutes(t *testing.T) {
	for address, want := range map[string]Route{"127.0.0.1": RouteLocal, "127.4.5.6": RouteLocal, "::1": RouteLocal, "224.0.0.1": RouteNone} {
		got, err := RouteTo(netip.MustParseAddr(address))
		require.NoError(t, err)
		assert.Equal(t, want, got, address)
	}
}

func TestParseRoute(t *testing.T) {
	message := make([]byte, routeMessageSize)
	message[routeType], message[routeBits] = unix.RTN_UNICAST, 24
	assert.Equal(t, RouteOnLink, parseRoute(message))
	gateway := append(message, 8, 0, unix.RTA_GATEWAY, 0, 10, 0, 0, 1)
	assert.Equal(t, RouteGateway, parseRoute(gateway))
	assert.Equal(t, RouteNone, parseRoute(message[:4]))
	message[routeBits] = 0
	assert.Equal(t, RouteGateway, parseRoute(message))
}

// FuzzMessages: a listener is understood only if it listens and is whole, a way is one of those
// that there are, and what is taken of a packet lies in it.
func FuzzMessages(f *testing.F) {
	f.Add(make([]byte, diagMessageSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, ok := parseListener(data)
		assert.Equal(t, ok, l.Address.IsValid())
		assert.False(t, ok && (len(data) < diagMessageSize || data[1] != stateListen))
		if parseRoute(data) != RouteNone {
			assert.GreaterOrEqual(t, len(data), routeMessageSize)
		}
		taken := 0
		_, _ = parse(data, func(part []byte) { taken += len(part) }) // what it refuses is no fault
		assert.LessOrEqual(t, taken, len(data))
	})
}

func BenchmarkListeners(b *testing.B) {
	for b.Loop() {
		if _, err := Listeners(); err != nil {
			b.Fatal(err)
		}
	}
}
