package process

import (
	"context"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

func openListening(t testing.TB) *listening {
	t.Helper()
	f := newFiles("/", hostfs.NewGate(hostfs.Settings{}))
	require.NoError(t, f.open())
	return &listening{files: f}
}

func listen(t testing.TB, network, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
}

// mine are the sockets of a list that this process made: others come and go on the machine.
func mine(t *testing.T, l *listening, list []listener) []listener {
	t.Helper()
	inodes, err := l.files.sockets(os.Getpid())
	require.NoError(t, err)
	return slices.DeleteFunc(slices.Clone(list), func(s listener) bool { return !inodes[s.inode] })
}

// TestSocketsAsTheFileHasThem: the kernel's answer and its file say the same.
func TestSocketsAsTheFileHasThem(t *testing.T) {
	listen(t, "tcp4", "127.0.0.1:0")
	listen(t, "tcp4", "0.0.0.0:0")
	listen(t, "tcp6", "[::1]:0")
	listen(t, "tcp6", "[::]:0")
	l := openListening(t)
	asked, version, err := l.sockets(os.Getpid(), time.Second)
	require.NoError(t, err)
	require.NotZero(t, version)
	read, err := listeners("/proc/self")
	require.NoError(t, err)
	assert.Len(t, mine(t, l, asked), 4)
	assert.ElementsMatch(t, mine(t, l, read), mine(t, l, asked))
}

// TestSocketsAreAskedForOnceAPass: the version changes with who listens, and nothing is asked
// twice.
func TestSocketsAreAskedForOnceAPass(t *testing.T) {
	l := openListening(t)
	before, version, err := l.sockets(os.Getpid(), time.Second)
	require.NoError(t, err)
	listen(t, "tcp4", "127.0.0.1:0")
	same, sameVersion, err := l.sockets(os.Getpid(), time.Second)
	require.NoError(t, err)
	assert.Equal(t, before, same, "of the same pass")
	assert.Equal(t, version, sameVersion)
	after, next, err := l.sockets(os.Getpid(), 2*time.Second)
	require.NoError(t, err)
	assert.Greater(t, next, version)
	assert.Len(t, mine(t, l, after), 1)
}

// TestForeignNetworkNeedsNoPrivilege: the namespace of another user's process is known to anybody.
func TestForeignNetworkNeedsNoPrivilege(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test makes a namespace and must be run as root")
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	defer func() {
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}()
	l := openListening(t)
	asNobody(t, func() {
		_, err := os.Readlink(l.files.path(cmd.Process.Pid, "ns/net"))
		require.ErrorIs(t, err, os.ErrPermission, "the link is closed")
		assert.True(t, l.files.foreignNetwork(cmd.Process.Pid))
		assert.False(t, l.files.foreignNetwork(1))
		assert.False(t, l.files.foreignNetwork(os.Getpid()))
	})
	_, version, err := l.sockets(cmd.Process.Pid, time.Second)
	require.NoError(t, err)
	assert.Zero(t, version, "read from the file, which tells nothing of changes")
}

// asNobody runs f on a thread with the user of nobody and without capabilities.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with its credentials
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534)
		assert.Zero(t, errno)
		f()
	}()
	<-done
}

// BenchmarkSockets compares the kernel's answer with its file.
func BenchmarkSockets(b *testing.B) {
	l := openListening(b)
	b.Run("asked", func(b *testing.B) {
		for at := time.Duration(0); b.Loop(); at++ {
			_, _, err := l.sockets(os.Getpid(), at)
			require.NoError(b, err)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			_, err := listeners("/proc/self")
			require.NoError(b, err)
		}
	})
}
