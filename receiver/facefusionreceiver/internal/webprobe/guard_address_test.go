package webprobe

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestEveryAddressOfTheHostIsGuarded: a connection to a secondary address comes from the primary
// one, and one to an address of a local route from any.
func TestEveryAddressOfTheHostIsGuarded(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test makes a namespace and must be run as root")
	env, _ := probetest.Env()
	g := newGuard(ConfiguredInstance{Name: "studio"}, env)
	got := map[string]error{}
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if failed = unix.Unshare(unix.CLONE_NEWNET); failed != nil {
			return
		}
		output, err := exec.Command("sh", "-ec", `ip link set lo up
ip addr add 10.5.0.10/24 dev lo; ip addr add 10.5.0.11/24 dev lo; ip route add local 10.6.0.0/16 dev lo`).CombinedOutput()
		if err != nil {
			failed = errors.New(string(output))
			return
		}
		// One socket of IPv4 for all addresses, made by a stranger.
		listener, err := listenAs(stranger)
		if err != nil {
			failed = err
			return
		}
		defer unix.Close(listener)
		address, err := unix.Getsockname(listener)
		if err != nil {
			failed = err
			return
		}
		for _, host := range []string{"127.0.0.1", "127.9.9.9", "10.5.0.10", "10.5.0.11", "10.6.1.1"} {
			// A dial with a context that cannot end stays on this thread, which is in the
			// namespace.
			conn, err := g.dial(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(address.(*unix.SockaddrInet4).Port)))
			if err == nil {
				conn.Close()
			}
			got[host] = err
		}
	}()
	<-done
	require.NoError(t, failed)
	require.Len(t, got, 5)
	for host, err := range got {
		require.ErrorIs(t, err, webui.ErrNotProbed, host)
		assert.ErrorContains(t, err, "user 65534 listens there", host)
	}
}

// listenAs makes a socket of another user at all addresses of the thread's namespace.
func listenAs(uid int) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	return fd, errors.Join(unix.Fchown(fd, uid, uid), unix.Bind(fd, &unix.SockaddrInet4{}), unix.Listen(fd, 16))
}
