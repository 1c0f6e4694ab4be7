package process

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1EB4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 5001 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5002 1 0000000000000000 100 0 0 10 0
   2: 0100007F:C350 0100007F:01BB 01 00000000:00000000 00:00000000 00000000     0        0 5003 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:1EB5 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 5004 1 0000000000000000 100 0 0 10 0
`

// The tables above and below were taken from little-endian machines, which all of the supported
// ones are.
func TestParseListeners(t *testing.T) {
	assert.Equal(t, []listener{
		{address: netip.MustParseAddrPort("127.0.0.1:7860"), uid: 1000, inode: 5001},
		{address: netip.MustParseAddrPort("0.0.0.0:22"), uid: 0, inode: 5002},
	}, parseListeners(strings.NewReader(tcpTable)), "reading ends at the first socket that does not listen")
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"00000000000000000000000001000000:1EB4": "[::1]:7860",
		"00000000000000000000000000000000:1EB4": "[::]:7860",
		"0000000000000000FFFF00000100007F:1EB4": "127.0.0.1:7860",
		"B80D0120000000000000000001000000:0050": "[2001:db8::1]:80",
	} {
		got, ok := parseAddress(in)
		assert.True(t, ok, in)
		assert.Equal(t, want, got.String())
	}
	for _, in := range []string{"", ":", "0100007F", "0100007:1EB4", "0100007F:1EB4F", "zz00007F:1EB4"} {
		_, ok := parseAddress(in)
		assert.False(t, ok, in)
	}
}

func TestParseLocalIPv4(t *testing.T) {
	const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.0
           /16 link UNICAST
        |-- 172.17.0.2
           /32 host LOCAL
        |-- 172.17.255.255
           /32 link BROADCAST
     |-- 172.18.0.2
        /32 host LOCAL
`
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("172.17.0.2"), netip.MustParseAddr("172.18.0.2")}, parseLocalIPv4(strings.NewReader(trie+trie)))
	const inet6 = "00000000000000000000000000000001 01 80 10 80       lo\nfd000089000000000000000000000002 02 40 00 80     eth0\nno address\n"
	assert.Equal(t, []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("fd00:89::2")}, parseLocalIPv6(strings.NewReader(inet6)))
	assert.Empty(t, parseLocalIPv4(strings.NewReader("Main:\n |-- 127.0.0.1\n /32 host LOCAL\n")))
}

func FuzzListeners(f *testing.F) {
	f.Add(tcpTable)
	f.Fuzz(func(t *testing.T, table string) {
		for _, l := range parseListeners(strings.NewReader(table)) {
			if !l.address.IsValid() {
				t.Fatalf("invalid address out of %q", table)
			}
		}
		parseLocalIPv4(strings.NewReader(table))
		parseLocalIPv6(strings.NewReader(table))
	})
}
