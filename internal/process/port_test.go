package process_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

func sockets(addresses ...string) []proctest.Socket {
	var list []proctest.Socket
	for n, a := range addresses {
		list = append(list, proctest.Socket{Address: netip.MustParseAddrPort(a), Inode: 9000 + uint64(n)})
	}
	return list
}

func TestListening(t *testing.T) {
	const wildcard = "0.0.0.0:7860"
	bridge := []string{"172.17.0.2"}
	for name, c := range map[string]struct {
		listens []string
		foreign bool
		theirs  bool // the namespace is not owned by the host
		local   []string
		port    uint16
		address string
		barrier process.Barrier
	}{
		"not yet":               {},
		"loopback":              {listens: []string{"127.0.0.1:7860"}, port: 7860, address: "127.0.0.1:7860"},
		"wildcard":              {listens: []string{"0.0.0.0:7861"}, port: 7861, address: "127.0.0.1:7861"},
		"wildcard of IPv6":      {listens: []string{"[::]:7861"}, port: 7861, address: "[::1]:7861"},
		"wildcards of both":     {listens: []string{"[::]:7861", "0.0.0.0:7861"}, port: 7861, address: "127.0.0.1:7861"},
		"specific":              {listens: []string{"192.0.2.7:7860"}, port: 7860, address: "192.0.2.7:7860"},
		"specific of IPv6":      {listens: []string{"[2001:db8::7]:7860"}, port: 7860, address: "[2001:db8::7]:7860"},
		"claimed":               {listens: []string{"169.254.169.254:7860"}, port: 7860, barrier: process.BarrierForeign},
		"Gradio's range first":  {listens: []string{"127.0.0.1:5000", "127.0.0.1:7865", "127.0.0.1:9000"}, port: 7865, address: "127.0.0.1:7865"},
		"else the lowest":       {listens: []string{"127.0.0.1:9000", "127.0.0.1:8000"}, port: 8000, address: "127.0.0.1:8000"},
		"the range has an end":  {listens: []string{"127.0.0.1:7960", "127.0.0.1:7959"}, port: 7959, address: "127.0.0.1:7959"},
		"container":             {listens: []string{wildcard}, foreign: true, local: []string{"172.17.0.2", "172.18.0.2"}, port: 7860, address: "172.17.0.2:7860"},
		"container, two links":  {listens: []string{wildcard}, foreign: true, local: []string{"10.1.1.1", "172.18.0.2"}, port: 7860, address: "172.18.0.2:7860"},
		"container, unreached":  {listens: []string{"127.0.0.1:7860"}, foreign: true, local: bridge, port: 7860, barrier: process.BarrierLoopback},
		"container, specific":   {listens: []string{"172.18.0.2:7860"}, foreign: true, local: []string{"172.17.0.2", "172.18.0.2"}, port: 7860, address: "172.18.0.2:7860"},
		"container, IPv6":       {listens: []string{"[fd00::2]:7860"}, foreign: true, local: []string{"172.17.0.2", "fd00::2"}, port: 7860, address: "[fd00::2]:7860"},
		"a neighbour's":         {listens: []string{"172.18.0.2:7860"}, foreign: true, local: bridge, port: 7860, barrier: process.BarrierForeign},
		"a neighbour's of IPv6": {listens: []string{"[fd00::2]:7860"}, foreign: true, local: []string{"172.17.0.2", "fd00::3"}, port: 7860, barrier: process.BarrierForeign},
		"container, no network": {listens: []string{wildcard}, foreign: true, port: 7860, barrier: process.BarrierAddress},
		"a user's namespace":    {listens: []string{wildcard}, foreign: true, theirs: true, local: bridge, port: 7860, barrier: process.BarrierNamespace},
		"metadata service":      {listens: []string{wildcard}, foreign: true, local: []string{"169.254.169.254"}, port: 7860, barrier: process.BarrierAddress},
		"the host's own":        {listens: []string{wildcard}, foreign: true, local: []string{"192.0.2.7"}, port: 7860, barrier: process.BarrierAddress},
		"behind a gateway":      {listens: []string{"10.1.1.1:7860"}, foreign: true, local: []string{"10.1.1.1"}, port: 7860, barrier: process.BarrierAddress},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			p := server(100, "/opt/facefusion")
			p.Files = []string{"/dev/null", "pipe:[9000]", "anon_inode:[eventpoll]"}
			p.Listens = sockets(c.listens...)
			p.Sockets = []proctest.Socket{{Address: netip.MustParseAddrPort("127.0.0.1:7860"), Inode: 1}, {Address: netip.MustParseAddrPort("0.0.0.0:7861"), Inode: 2}}
			if c.foreign {
				p.NetNS = "net:[1]"
			}
			for _, a := range c.local {
				p.Local = append(p.Local, netip.MustParseAddr(a))
			}
			w.put(p)
			process.SetNetwork(w.table, !c.theirs, map[string]hostnet.Route{
				"192.0.2.7": hostnet.RouteLocal, "2001:db8::7": hostnet.RouteLocal, "172.17.0.2": hostnet.RouteOnLink,
				"172.18.0.2": hostnet.RouteOnLink, "169.254.169.254": hostnet.RouteOnLink, "10.1.1.1": hostnet.RouteGateway,
				"fd00::2": hostnet.RouteOnLink,
			})
			i := only(t, w.pass())
			require.Len(t, i.Servers, 1)
			want := process.ServerProcess{ID: process.ID{PID: 100, StartTicks: 300_100}, Port: c.port, Barrier: c.barrier}
			if c.address != "" {
				want.Address = netip.MustParseAddrPort(c.address)
			}
			got := i.Servers[0]
			got.Others = nil // see TestTheChosenPort
			assert.Equal(t, want, got)
		})
	}
}

func TestSeveralServers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	for n, address := range []string{"127.0.0.1:7860", "127.0.0.1:7861"} {
		p := server(100+n, "/opt/facefusion")
		p.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort(address), Inode: 9000 + uint64(n)}}
		w.put(p)
	}
	w.put(runner(105, "/opt/facefusion"))
	s := w.pass()
	require.Len(t, s.Instances, 2, "each is an instance")
	ports := map[int]uint16{}
	for _, i := range s.Instances {
		require.Len(t, i.Servers, 1)
		ports[i.Servers[0].PID] = i.Servers[0].Port
	}
	assert.Equal(t, map[int]uint16{100: 7860, 101: 7861}, ports)
}

// What listens at nothing is a consumer, or still loads its models.
func TestAPortThatIsMissingForLongIsSearchedForNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		p := server(100, "/opt/facefusion")
		show := func(listens ...string) uint16 {
			p.Listens = sockets(listens...)
			w.put(p)
			return only(t, w.pass()).Servers[0].Port
		}
		for range 130 {
			assert.Zero(t, show())
			time.Sleep(time.Second)
		}
		after := 0
		for show("127.0.0.1:7860") == 0 {
			time.Sleep(time.Second)
			after++
		}
		assert.LessOrEqual(t, after, 5)
	})
}

func TestPortIsVerifiedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		p := server(100, "/opt/facefusion")
		show := func(listens ...string) uint16 {
			p.Listens = sockets(listens...)
			w.put(p)
			return only(t, w.pass()).Servers[0].Port
		}
		assert.Zero(t, show())
		assert.Equal(t, uint16(7860), show("127.0.0.1:7860"), "it is searched at each look until it is found")
		time.Sleep(9 * time.Second)
		assert.Equal(t, uint16(7860), show("127.0.0.1:7861"))
		time.Sleep(time.Second)
		assert.Equal(t, uint16(7861), show("127.0.0.1:7861"))
		time.Sleep(10 * time.Second)
		assert.Zero(t, show())
		assert.Equal(t, uint16(7862), show("127.0.0.1:7862"))
	})
}

// TestTheChosenPort: of several, the one whose answers are understood is the server, while the
// process has it.
func TestTheChosenPort(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := listeningServer(100, "/opt/facefusion", 5678)
	for n, port := range []string{"127.0.0.1:8000", "127.0.0.1:9000", "0.0.0.0:9000"} {
		p.Listens = append(p.Listens, proctest.Socket{Address: netip.MustParseAddrPort(port), Inode: uint64(200 + n)})
	}
	w.put(p)
	server := only(t, w.pass()).Servers[0]
	assert.Equal(t, uint16(5678), server.Port)
	require.Len(t, server.Others, 2)
	assert.Equal(t, uint16(8000), server.Others[0].Port())
	assert.Equal(t, uint16(9000), server.Others[1].Port())

	w.table.Choose(process.ID{PID: 100, StartTicks: 1}, 9000)
	assert.Equal(t, uint16(5678), only(t, w.pass()).Servers[0].Port, "that was another process")
	w.table.Choose(server.ID, 8000)
	server = only(t, w.pass()).Servers[0]
	assert.Equal(t, uint16(8000), server.Port)
	assert.Empty(t, server.Others)
	i := only(t, w.end(p, int(unix.SIGKILL)))
	assert.Equal(t, []ended{{8000, false}}, endedOf(i))

	p.PID, p.StartTicks = 101, p.StartTicks+10
	w.put(p)
	server = only(t, w.pass()).Servers[0]
	w.table.Choose(server.ID, 8000)
	w.pass()
	p.Listens = slices.Delete(p.Listens, 1, 2)
	w.put(p)
	process.Age(w.table, 11*time.Second)
	assert.Equal(t, uint16(5678), only(t, w.pass()).Servers[0].Port, "it listens there no more")
}

// TestWhoWaitsForHisBudget: a user whose processes hold more descriptors than are looked at in a
// second waits, and is counted; no observation is old because of him.
func TestWhoWaitsForHisBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		files := make([]string, 3000)
		for i := range files {
			files[i] = "/dev/null"
		}
		for pid := 100; pid < 103; pid++ {
			p := server(pid, "/opt/facefusion")
			p.Files = files
			w.put(p)
		}
		require.Zero(t, w.pass().Waiting)
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, w.pass().Waiting)
		for pid := 100; pid < 103; pid++ {
			w.remove(pid)
		}
		require.Zero(t, w.pass().Waiting)
	})
}
