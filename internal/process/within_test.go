package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithin(t *testing.T) {
	id := strings.Repeat("3f", 32)
	for name, c := range map[string]struct{ cgroup, container, pod string }{
		"no container": {"0::/system.slice/facefusion.service\n", "", ""},
		"Docker":       {"0::/system.slice/docker-" + id + ".scope\n", id, ""},
		"Docker, v1":   {"9:pids:/docker/" + id + "\n0::/\n", id, ""},
		"a pod": {
			"0::/kubepods.slice/kubepods-pod0a1b2c3d_0000_1111_2222_0123456789ab.slice/cri-containerd-" + id + ".scope\n",
			id, "0a1b2c3d-0000-1111-2222-0123456789ab",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/7"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(root, "proc/7/cgroup"), []byte(c.cgroup), 0o600))
			container, pod := Within(root, 7)
			require.Equal(t, c.container, container)
			require.Equal(t, c.pod, pod)
			container, pod = Within(root, 8)
			require.Empty(t, container+pod, "it has ended")
		})
	}
}
