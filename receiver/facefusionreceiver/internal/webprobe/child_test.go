package webprobe

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// childMode makes this test binary play a server of another user, or a collector in a network
// namespace of its own.
const childMode = "WEBPROBE_TEST_CHILD"

// stranger is a user that owns nothing.
const stranger = 65534

func beChild(mode string) {
	command, argument, _ := strings.Cut(mode, " ")
	switch command {
	case "serve":
		serveAsChild(argument)
	case "proxies":
		compareProxies()
	default:
		panic(mode)
	}
}

// gradio answers as a server that is ready, and remembers the headers of each request.
type gradio struct {
	mu      sync.Mutex
	headers []http.Header
}

func (g *gradio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.headers = append(g.headers, r.Header.Clone())
	g.mu.Unlock()
	answer, known := map[string]string{
		"/gradio_api/startup-events": `false`,
		"/gradio_api/queue/status":   `{"msg":"estimation","queue_size":4}`,
		"/gradio_api/app_id":         `{"app_id":1234567890123456789}`,
	}[r.URL.Path]
	if !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(answer))
}

func (g *gradio) seen() []http.Header {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.headers
}

// serveAsChild serves on descriptor 3, or on a port of its own, and prints the headers that it saw
// when its input ends.
func serveAsChild(inherited string) {
	var listener net.Listener
	var err error
	if inherited == "inherited" {
		listener, err = net.FileListener(os.NewFile(3, "listener"))
	} else {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	g := &gradio{}
	go http.Serve(listener, g)
	os.Stdin.Read(make([]byte, 1))
	if err := json.NewEncoder(os.Stdout).Encode(g.seen()); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// serveAs starts a server of another user. The function ends it and returns the headers that it
// saw.
func serveAs(t *testing.T, uid int, inherited ...*os.File) (address string, ended func() []http.Header) {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test changes the user and must be run as root")
	mode := "serve own"
	if len(inherited) > 0 {
		mode = "serve inherited"
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.ExtraFiles = inherited
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var port int
	_, err = fmt.Fscan(output, &port)
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port), func() []http.Header {
		require.NoError(t, input.Close())
		var headers []http.Header
		require.NoError(t, json.NewDecoder(output).Decode(&headers))
		require.NoError(t, cmd.Wait())
		return headers
	}
}
