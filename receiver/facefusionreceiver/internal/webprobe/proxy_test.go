package webprobe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// proxied is what one configuration did: the states of the found server and of the endpoint, and
// what the proxy was asked for.
type proxied struct {
	Found, Endpoint webui.ServerState
	Requests        int64
}

// TestTheProxyOfTheEnvironmentIsNotAsked: HTTP_PROXY is read once in the life of a process, and Go
// spares loopback only, so a process in a network namespace of its own plays the collector.
func TestTheProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test makes namespaces and must be run as root")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childMode+"=proxies", "HTTP_PROXY=http://10.89.0.1:3128", "http_proxy=http://10.89.0.1:3128", "NO_PROXY=", "no_proxy=")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.Output()
	require.NoError(t, err)
	var got map[string]proxied
	require.NoError(t, json.Unmarshal(out, &got))
	assert.Equal(t, proxied{Found: webui.StateReady, Endpoint: webui.StateReady}, got["environment"])
	configured := got["proxy_url"]
	assert.Positive(t, configured.Requests)
	configured.Requests = 0
	assert.Equal(t, proxied{Found: webui.StateReady, Endpoint: webui.StateUnresponsive}, configured)
}

func compareProxies() {
	out, err := exec.Command("sh", "-ec", "ip link set lo up; ip link add ff0 type bridge; ip addr add 10.89.0.1/24 dev ff0; ip link set ff0 up").CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	var requests atomic.Int64
	serve("10.89.0.1:3128", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}))
	serve("10.89.0.1:7860", &gradio{})
	serve("10.89.0.1:7861", &gradio{})
	explicit := NewDefaultConfig()
	explicit.ClientConfig.ProxyURL = "http://10.89.0.1:3128"
	result := map[string]proxied{}
	for name, cfg := range map[string]Config{"environment": NewDefaultConfig(), "proxy_url": explicit} {
		requests.Store(0)
		result[name] = askBoth(cfg)
		r := result[name]
		r.Requests = requests.Load()
		result[name] = r
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		panic(err)
	}
	os.Exit(0)
}

func serve(address string, handler http.Handler) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, handler)
}

// askBoth has a probe ask a server that was found and at an endpoint.
func askBoth(cfg Config) proxied {
	env, _ := probetest.Env()
	address := netip.MustParseAddrPort("10.89.0.1:7860")
	env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{{ID: "found", Servers: []process.ServerProcess{
		{ID: process.ID{PID: 11}, Port: address.Port(), Address: address},
	}}}})
	p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{{Name: "named", Endpoint: &url.URL{Scheme: "http", Host: "10.89.0.1:7861"}}}, true, env)
	if err := p.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		panic(err)
	}
	defer p.Shutdown(context.Background())
	for s := p.latest.Load(); s == nil || s.Servers[1].State == webui.StateUnknown; s = p.latest.Load() {
		p.loop.Trigger() // silence is believed when it comes twice
		time.Sleep(time.Millisecond)
	}
	servers := p.latest.Load().Servers
	return proxied{Found: servers[0].State, Endpoint: servers[1].State}
}
