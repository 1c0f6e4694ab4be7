//go:build e2e && ledger && durability && soak

package e2e

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container/containertest"
)

// shareHangs mounts a file system over the victim's checkout whose server never answers, not even
// the first request of the kernel: whoever touches it waits.
func (s *soak) shareHangs() {
	server, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	require.NoError(s.t, err)
	checkout := s.h.Checkout(2)
	require.NoError(s.t, unix.Mount("hangs", checkout, "fuse", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", server.Fd())))
	s.eventually("the share is unresponsive", func(p page) bool {
		return total(p, "facefusion_job_folder_state", "facefusion_job_folder_state", "share_unresponsive") == 1
	})
	s.hold(0, 5*time.Second)
	// What waits is refused now.
	require.NoError(s.t, server.Close())
	require.NoError(s.t, unix.Unmount(checkout, unix.MNT_DETACH))
	s.eventually("the share is back", func(p page) bool {
		return total(p, "facefusion_job_folder_state", "facefusion_job_folder_state", "share_unresponsive") == 0
	})
}

// startBoxed starts the server of the last instance in a control group as Podman names them that
// systemd starts (Quadlet): of a container that has not been there before, and of the same unit.
func (s *soak) startBoxed() {
	if s.boxes++; s.boxes == 1 {
		s.unit = fmt.Sprintf("facefusion-%x.service", s.random.Uint32())
		containertest.NewControlGroup(s.t, s.unit)
	}
	s.box = fmt.Sprintf("%060x%04x", s.random.Uint64(), s.boxes)
	s.group = containertest.NewControlGroup(s.t, s.unit+"/libpod-payload-"+s.box)
	s.t.Cleanup(func() { _ = s.boxed.Kill(syscall.SIGKILL) }) // so that the group can go
	s.pause.Lock()                                            // nothing else is started meanwhile
	defer s.pause.Unlock()
	s.group.Around(s.t, func() {
		var err error
		s.boxed, err = s.h.StartServer(3, nil)
		require.NoError(s.t, err)
	})
}

// containerIsCreatedAnew ends a container and starts another one of the same checkout.
func (s *soak) containerIsCreatedAnew() {
	require.NoError(s.t, s.boxed.Kill(syscall.SIGKILL))
	old := s.group
	for _, folder := range old {
		require.Eventually(s.t, func() bool { err := os.Remove(folder); return err == nil || os.IsNotExist(err) }, 10*time.Second, 10*time.Millisecond)
	}
	s.hold(0, 5*time.Second)
	s.startBoxed()
	s.eventually("the new container is the instance's", func(p page) bool {
		return p.is(1, "facefusion_container_info", "container_id", s.box) && len(p.samples("facefusion_container_info")) == 1
	})
	require.Len(s.t, s.c.page(s.t).samples("facefusion_instance_info"), 4, "no instance more")
}
