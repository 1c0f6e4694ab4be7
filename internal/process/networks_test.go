package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// containers is how many of them stand on the bridge.
const containers = 5

// reached is what the observer says of the server of each checkout, and whether it could connect.
type reached struct {
	Address netip.AddrPort
	Barrier process.Barrier
	Open    bool
}

// TestOnlyNeighboursAreReachable builds real network namespaces beside a host that is one itself:
// five containers on a bridge, which are reached, and what a user may make without any privilege,
// or a container with an address of its own choice, which are not.
func TestOnlyNeighboursAreReachable(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test makes namespaces and must be run as root")
	folder := realCheckout(t)
	openUp(t, folder)
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), childMode+"=networks "+folder)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.Output()
	require.NoError(t, err)
	var got map[string]reached
	require.NoError(t, json.Unmarshal(out, &got))

	for n := range containers {
		want := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 89, 0, byte(n + 2)}), 7860)
		assert.Equal(t, reached{Address: want, Open: true}, got[fmt.Sprint("container", n)])
	}
	assert.Equal(t, reached{Address: netip.MustParseAddrPort("127.0.0.1:7861"), Open: true}, got["host"])
	for name, barrier := range map[string]process.Barrier{
		"rootless": process.BarrierNamespace, "metadata": process.BarrierNamespace, "link-local": process.BarrierAddress,
		"host-address": process.BarrierAddress, "inside": process.BarrierLoopback, "freebind": process.BarrierForeign,
		"neighbour": process.BarrierForeign,
	} {
		assert.Equal(t, reached{Barrier: barrier}, got[name], name)
	}
}

// buildNetworks is the host of that test.
func buildNetworks(folder string) {
	run("ip link set lo up; ip link add ff0 type bridge; ip addr add 10.89.0.1/24 dev ff0; ip link set ff0 up")
	names := []string{"host", "rootless", "metadata", "freebind", "link-local", "host-address", "inside", "neighbour"}
	start(folder, "host", "listen 127.0.0.1:7861", 0, "")
	for n := range containers {
		name := fmt.Sprint("container", n)
		pid := start(folder, name, "listen 0.0.0.0:7860", syscall.CLONE_NEWNET, "")
		connect(pid, fmt.Sprint("c", n), fmt.Sprintf("10.89.0.%d/24", n+2))
		names = append(names, name)
	}
	connect(start(folder, "link-local", "listen 0.0.0.0:7860", syscall.CLONE_NEWNET, ""), "ll", "169.254.169.254/16")
	connect(start(folder, "host-address", "listen 0.0.0.0:7860", syscall.CLONE_NEWNET, ""), "ha", "10.89.0.1/24")
	connect(start(folder, "inside", "listen 127.0.0.1:7860", syscall.CLONE_NEWNET, ""), "in", "10.89.0.99/24")
	// An ordinary container that names an address of its neighbour.
	connect(start(folder, "neighbour", "freebind 10.89.0.2:7860", syscall.CLONE_NEWNET, ""), "nb", "10.89.0.98/24")
	own := "setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urn sh -c 'ip link set lo up; ip addr add %s dev lo; exec \"$0\" \"$@\"'"
	start(folder, "rootless", "listen 0.0.0.0:7860", 0, fmt.Sprintf(own, "10.89.0.2/32"))
	start(folder, "metadata", "listen 0.0.0.0:7860", 0, fmt.Sprintf(own, "169.254.169.254/32"))
	start(folder, "freebind", "freebind 169.254.169.254:7860", 0, "setpriv --reuid=65534 --regid=65534 --clear-groups")

	table := process.NewTable(process.Settings{})
	defer table.Close()
	result := map[string]reached{}
	for deadline := time.Now().Add(20 * time.Second); len(result) < len(names) && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s, err := table.Observe(context.Background())
		check(err)
		for _, i := range s.Instances {
			name, ours := strings.CutPrefix(i.Checkout, folder+"/")
			if !ours || len(i.Servers) != 1 || i.Servers[0].Port == 0 || result[name].Open {
				// nobody accepts: a second connection would take a place in the backlog, which is
				// short
				continue
			}
			r := reached{Address: i.Servers[0].Address, Barrier: i.Servers[0].Barrier}
			if r.Address.IsValid() {
				conn, err := net.DialTimeout("tcp", r.Address.String(), 5*time.Second)
				if r.Open = err == nil; r.Open {
					conn.Close()
				}
			}
			result[name] = r
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// inputs keeps the servers' standard inputs from being collected, which would close them.
var inputs []io.Closer

// start starts a server that looks like FaceFusion, in a checkout of its own, and returns its pid
// once it listens. A wrapper is a shell command that ends by exec.
func start(folder, name, mode string, flags uintptr, wrapper string) int {
	checkout := filepath.Join(folder, name)
	check(os.MkdirAll(filepath.Join(checkout, "facefusion"), 0o755))
	check(os.WriteFile(filepath.Join(checkout, "facefusion/metadata.py"), []byte("'name': 'FaceFusion'\n'version': '3.8.1'\n"), 0o644))
	python := filepath.Join(checkout, "python")
	exe, err := os.Readlink("/proc/self/exe")
	check(err)
	run(fmt.Sprintf("cp %q %q", exe, python)) // a user may not pass the build's folder
	cmd := exec.Command("sh", "-c", "exec "+wrapper+` "$0" facefusion.py run`, python)
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	input, err := cmd.StdinPipe() // ends when this process does, and the server with it
	check(err)
	inputs = append(inputs, input)
	out, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	var port int
	_, err = fmt.Fscan(out, &port)
	check(err)
	return cmd.Process.Pid
}

// connect puts a namespace on the bridge.
func connect(pid int, link, address string) {
	run(fmt.Sprintf("ip link add %[1]s type veth peer name eth0 netns %[2]d; ip link set %[1]s master ff0 up;"+
		"nsenter -t %[2]d -n sh -c 'ip addr add %[3]s dev eth0; ip link set eth0 up; ip link set lo up'", link, pid, address))
}

func run(script string) {
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("%s: %v: %s", script, err, out))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// freebind listens on an address that the host does not have, as every user may.
func freebind(address string) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { check(unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)) })
	}}
	listenAndWait(config.Listen(context.Background(), "tcp4", address))
}

func listenAndWait(l net.Listener, err error) {
	check(err)
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	os.Stdin.Read(make([]byte, 1))
	os.Exit(0)
}
