package webprobe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

const secretHeader = "X-Token"

func withSecret() Config {
	cfg := NewDefaultConfig()
	cfg.ClientConfig.Headers.Set(secretHeader, "s3cret")
	return cfg
}

func secrets(headers []http.Header) (n int) {
	for _, h := range headers {
		if h.Get(secretHeader) != "" {
			n++
		}
	}
	return n
}

// TestDiscoveredServersGetNoCredentials: every user may start a process that looks like FaceFusion.
func TestDiscoveredServersGetNoCredentials(t *testing.T) {
	found, named := &gradio{}, &gradio{}
	foundServer, namedServer := httptest.NewServer(found), httptest.NewServer(named)
	defer foundServer.Close()
	defer namedServer.Close()
	endpoint, err := url.Parse(namedServer.URL)
	require.NoError(t, err)
	address := netip.MustParseAddrPort(foundServer.Listener.Addr().String())

	env, _ := probetest.Env()
	// The instance of the found server has an endpoint as well: its credentials are for that alone.
	p := New(withSecret(), HistogramsConfig{}, []ConfiguredInstance{{Name: "studio", Endpoint: endpoint}}, true, env)
	env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{{ID: "studio", Servers: []process.ServerProcess{
		{ID: process.ID{PID: 11}, Port: address.Port(), Address: address},
	}}}})
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, p.Shutdown(context.Background())) }()
	require.Eventually(t, func() bool { return len(found.seen()) > 2 && len(named.seen()) > 2 }, 10*time.Second, 5*time.Millisecond)
	assert.Zero(t, secrets(found.seen()))
	headers := named.seen() // it grows
	assert.Len(t, headers, secrets(headers))
}

func TestEndpointOfAStranger(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	address, ended := serveAs(t, stranger)
	u, err := url.Parse("http://" + address)
	require.NoError(t, err)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	cfg := withSecret()
	cfg.Interval = 20 * time.Millisecond
	p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{{Name: "studio", Endpoint: u, Folders: []string{t.TempDir()}}}, false, env)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return p.Health().Observations > 3 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(context.Background()))
	server := p.latest.Load().Servers[0]
	assert.Equal(t, webui.StateNotProbed, server.State)
	assert.Empty(t, server.Probes, "nothing was sent")
	assert.Empty(t, ended())
	require.Len(t, logs.All(), 1, "it is said once")
	assert.Contains(t, logs.All()[0].ContextMap()["reason"], "user 65534 listens there")
	assert.Contains(t, logs.All()[0].ContextMap()["remedy"], "jobs_path")

	// Without credentials there is nothing to keep from anybody.
	address, ended = serveAs(t, stranger)
	assert.Equal(t, webui.StateReady, stateWith(t, NewDefaultConfig(), "http://"+address))
	assert.NotEmpty(t, ended())
}

func TestEndpointOfWhoIsExpected(t *testing.T) {
	t.Run("the owner of a folder of the instance", func(t *testing.T) {
		folder := t.TempDir()
		require.NoError(t, os.Chown(folder, stranger, stranger))
		address, ended := serveAs(t, stranger)
		assert.Equal(t, webui.StateReady, stateWith(t, withSecret(), "http://"+address, "/does/not/exist", folder))
		assert.NotZero(t, secrets(ended()))
	})
	t.Run("root", func(t *testing.T) {
		address, ended := serveAs(t, 0)
		assert.Equal(t, webui.StateReady, stateWith(t, withSecret(), "http://"+address))
		assert.NotZero(t, secrets(ended()))
	})
	t.Run("workers of a master that is root", func(t *testing.T) { // nginx
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer listener.Close()
		file, err := listener.(*net.TCPListener).File()
		require.NoError(t, err)
		defer file.Close()
		address, ended := serveAs(t, stranger, file)
		assert.Equal(t, webui.StateReady, stateWith(t, withSecret(), "http://"+address))
		assert.NotZero(t, secrets(ended()))
	})
}

// TestGuardCannotBeRaced: whoever took the connection and gave the port away is not taken for the
// one who has it now.
func TestGuardCannotBeRaced(t *testing.T) {
	to := netip.MustParseAddrPort("127.0.0.1:7860")
	socket := func(uid int, cookie uint64) hostnet.Listener {
		return hostnet.Listener{Address: to, UID: uid, Cookie: cookie}
	}
	evil, root := socket(stranger, 1), socket(0, 2)
	env, _ := probetest.Env()
	g := newGuard(ConfiguredInstance{}, env)
	for name, c := range map[string]struct {
		before, after []hostnet.Listener
		err           error
		reason        string
	}{
		"root's all the time":         {before: []hostnet.Listener{root}, after: []hostnet.Listener{root}},
		"a stranger's":                {before: []hostnet.Listener{evil}, after: []hostnet.Listener{evil}, reason: "user 65534"},
		"a stranger's before":         {before: []hostnet.Listener{evil}, after: []hostnet.Listener{root}, reason: "changed"},
		"root's before":               {before: []hostnet.Listener{root}, after: []hostnet.Listener{evil}, reason: "changed"},
		"a stranger's in between":     {before: []hostnet.Listener{socket(0, 3)}, after: []hostnet.Listener{root}, reason: "changed"},
		"nobody's before":             {after: []hostnet.Listener{root}, reason: "changed"},
		"nobody's":                    {reason: "redirected"},
		"root's and a stranger's":     {before: []hostnet.Listener{root, evil}, after: []hostnet.Listener{evil, root}, reason: "user 65534"},
		"the kernel does not tell it": {err: os.ErrPermission, reason: "permission"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.refuse(to, c.before, c.after, c.err)
			if c.reason == "" {
				assert.Empty(t, got)
			} else {
				assert.Contains(t, got, c.reason)
			}
		})
	}
}

// TestAFolderThatDoesNotAnswer: no connection waits for it, and nobody is expected because of it.
func TestAFolderThatDoesNotAnswer(t *testing.T) {
	env, _ := probetest.Env()
	env.Gate = hostfs.NewGate(hostfs.Settings{Patience: time.Millisecond})
	folder := t.TempDir()
	require.NoError(t, os.Chown(folder, stranger, stranger))
	g := newGuard(ConfiguredInstance{Name: "studio", Folders: []string{folder}}, env)
	answer := make(chan struct{})
	call, err := env.Gate.Start(g.root().Key(folder), "studio", func() { <-answer })
	require.NoError(t, err)
	require.ErrorIs(t, env.Gate.Wait(call), hostfs.ErrPending)
	to := netip.MustParseAddrPort("127.0.0.1:7860")
	list := []hostnet.Listener{{Address: to, UID: stranger, Cookie: 1}}
	assert.Contains(t, g.refuse(to, list, list, nil), "is not known: "+folder)
	close(answer)
	call.Await()
	env.Gate = hostfs.NewGate(hostfs.Settings{})
	assert.Empty(t, newGuard(ConfiguredInstance{Folders: []string{folder}}, env).refuse(to, list, list, nil))
}

// TestProxyOfAStranger: what is sent by http is read by the proxy, whoever the server is.
func TestProxyOfAStranger(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	address, ended := serveAs(t, stranger)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	cfg := withSecret()
	cfg.Interval = 20 * time.Millisecond
	cfg.ClientConfig.ProxyURL = "http://" + address
	p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{{Name: "studio", Endpoint: &url.URL{Scheme: "http", Host: "ff.example.com:7860"}}}, false, env)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return p.Health().Observations > 1 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.Shutdown(context.Background()))
	assert.Empty(t, ended())
	require.NotEmpty(t, logs.All())
	assert.Contains(t, logs.All()[0].ContextMap()["reason"], "proxy_url leads to a proxy on this host: user 65534 listens there")
}

func TestBarriersAreLoggedOnceEach(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), HistogramsConfig{}, nil, true, env)
	snapshot := &process.Snapshot{Instances: []process.Instance{{ID: "ff", Servers: []process.ServerProcess{
		{Port: 7860, Barrier: process.BarrierNamespace}, {Port: 7861},
	}}}}
	for range 3 {
		p.reportBarriers(snapshot)
	}
	require.Len(t, logs.All(), 1)
	assert.Equal(t, map[string]any{
		"instance": "ff", "port": uint16(7860), "reason": string(process.BarrierNamespace),
		"remedy": "name the address at which it can be asked as instances[].endpoint",
	}, logs.TakeAll()[0].ContextMap())
	p.reportBarriers(&process.Snapshot{})
	require.Empty(t, logs.All(), "it is gone")
	p.reportBarriers(snapshot)
	logs.TakeAll()
	snapshot.Instances[0].Servers[0].Barrier = ""
	for range 3 {
		p.reportBarriers(snapshot)
	}
	require.Len(t, logs.All(), 1)
	assert.Equal(t, "a server is probed again", logs.All()[0].Message)
}
