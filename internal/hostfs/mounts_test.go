package hostfs

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseMounts(t *testing.T) {
	got, err := parseMounts([]byte(`22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
51 22 0:45 / /mnt/my\040share rw,nosuid master:3 propagate_from:2 - nfs4 nas:/export\040a rw,vers=4.2
60 22 0:50 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/abc/diff,workdir=/w
61 22 0:52 /sub /home/a\134b rw - fuse.sshfs a@b: rw
62 22 0:53 / /none rw - tmpfs  rw
`))
	require.NoError(t, err)
	require.Equal(t, []Mount{
		{Device: "8:1", Root: "/", Point: "/", Type: "ext4", Source: "/dev/root", Options: "rw"},
		{Device: "0:45", Root: "/", Point: "/mnt/my share", Type: "nfs4", Source: "nas:/export a", Options: "rw,vers=4.2"},
		{
			Device: "0:50", Root: "/", Point: "/var/lib/docker/overlay2/abc/merged", Type: "overlay", Source: "overlay",
			Upper: "/var/lib/docker/overlay2/abc/diff", Options: "rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/abc/diff,workdir=/w",
		},
		{Device: "0:52", Root: "/sub", Point: `/home/a\b`, Type: "fuse.sshfs", Source: "a@b:", Options: "rw"},
		{Device: "0:53", Root: "/", Point: "/none", Type: "tmpfs", Source: "rw"},
	}, got)
	require.Equal(t, []bool{false, true, false, true, false}, []bool{
		got[0].IsShare(), got[1].IsShare(), got[2].IsShare(), got[3].IsShare(), got[4].IsShare(),
	})
	for _, line := range []string{"22 1 8:1 / /\n", "22 1 8:1 / / rw - ext4\n", "x\n"} {
		_, err := parseMounts([]byte(line))
		require.ErrorIs(t, err, errMounts)
	}
}

func TestReadMountsOfThisProcess(t *testing.T) {
	mounts, err := ReadMounts("/proc/self")
	require.NoError(t, err)
	m, inner, ok := Covering(mounts, "/proc/self")
	require.True(t, ok)
	require.Equal(t, "proc", m.Type)
	require.Equal(t, "/self", inner)
	_, err = ReadMounts("/proc/0")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestALaterMountHidesAnEarlierOne(t *testing.T) {
	mounts := []Mount{{Device: "1", Point: "/"}, {Device: "2", Point: "/a"}, {Device: "3", Point: "/a"}, {Device: "4", Point: "/a/b"}}
	for path, want := range map[string]string{"/": "1", "/ab": "1", "/a": "3", "/a/c": "3", "/a/b": "4"} {
		m, _, ok := Covering(mounts, path)
		require.True(t, ok)
		require.Equal(t, want, m.Device, path)
	}
}
