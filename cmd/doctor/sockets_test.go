package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoListensIsNamed(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		socket, err := net.Listen("tcp", address)
		require.NoError(t, err)
		comm, err := os.ReadFile("/proc/self/comm")
		require.NoError(t, err)
		pid, name := portOwner("/proc", socket.Addr().String())
		assert.Equal(t, os.Getpid(), pid)
		assert.Equal(t, strings.TrimSpace(string(comm)), name)
		pid, _ = portOwner(t.TempDir(), socket.Addr().String())
		assert.Zero(t, pid, "where no process is to be seen")
		require.NoError(t, socket.Close())
		pid, _ = portOwner("/proc", socket.Addr().String())
		assert.Zero(t, pid, "nobody listens any more")
	}
}
