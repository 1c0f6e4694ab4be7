package process

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// claimedFolder makes a folder with an owner, a group and a mode, in a checkout of a user.
func claimedFolder(t *testing.T, checkout, uid, gid int, mode os.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "claimed-") //nolint:usetesting // other users enter it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, ".jobs")
	require.NoError(t, os.Mkdir(path, 0o755))
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir, checkout, checkout), os.Chown(path, uid, gid), os.Chmod(path, mode)} {
		require.NoError(t, err)
	}
	return path
}

func runningAs(t *testing.T, attr *syscall.SysProcAttr, argv ...string) int {
	t.Helper()
	attr.Pdeathsig = syscall.SIGKILL
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = attr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	last := filepath.Base(argv[len(argv)-2])
	require.Eventually(t, func() bool { // what became of "unshare"
		comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "comm"))
		return err == nil && string(comm) == last+"\n"
	}, 10*time.Second, time.Millisecond)
	return cmd.Process.Pid
}

// TestWhoseFolderItIs: real processes of real users, and folders that a path of theirs may lead to.
func TestWhoseFolderItIs(t *testing.T) {
	as := func(uid uint32, groups ...uint32) func(t *testing.T, dir string) int {
		return func(t *testing.T, _ string) int {
			return runningAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}, "sleep", "1000")
		}
	}
	mapped := func(uid uint32) func(t *testing.T, dir string) int {
		return func(t *testing.T, _ string) int {
			ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100_000, Size: 65_536}}
			return runningAs(t, &syscall.SysProcAttr{
				Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
				Credential: &syscall.Credential{Uid: uid, Gid: uid},
			}, "sleep", "1000")
		}
	}
	unshared := func(flags ...string) func(t *testing.T, dir string) int {
		return func(t *testing.T, _ string) int {
			argv := append(append([]string{"unshare"}, flags...), "sleep", "1000")
			return runningAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4001, Gid: 4001}}, argv...)
		}
	}
	setUID := func(t *testing.T, dir string) int {
		program := filepath.Join(dir, "sleep")
		path, err := exec.LookPath("sleep")
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(program, text, 0o755))
		require.NoError(t, os.Chmod(program, 0o755|os.ModeSetuid))
		return runningAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4001, Gid: 4001}}, program, "1000")
	}
	for name, c := range map[string]struct {
		process            func(t *testing.T, dir string) int
		checkout, uid, gid int
		mode               os.FileMode
		acl                int
		// own says that the process was found in the checkout that the folder lies in.
		own  bool
		want bool
	}{
		"his own":                              {process: as(4001), checkout: 4001, uid: 4001, gid: 4001, mode: 0o755, want: true},
		"his own, read-only":                   {process: as(4001), checkout: 4001, uid: 4001, gid: 4001, mode: 0o555, want: true},
		"of another user":                      {process: as(4001), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755},
		"of root":                              {process: as(4001), uid: 0, mode: 0o755},
		"of nobody, on a disk":                 {process: as(4001), uid: 65_534, gid: 65_534, mode: 0o755},
		"open to a group":                      {process: as(4001, 4500), checkout: 4000, uid: 4000, gid: 4500, mode: 0o2775, want: true},
		"open to another group":                {process: as(4001), checkout: 4000, uid: 4000, gid: 4500, mode: 0o2775},
		"open to everybody":                    {process: as(4001), checkout: 4000, uid: 4000, gid: 4000, mode: 0o1777, want: true},
		"open by a list":                       {process: as(4001), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755, acl: 4001, want: true},
		"open to another by a list":            {process: as(4001), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755, acl: 4002},
		"root's process":                       {process: as(0), checkout: 4000, uid: 4000, gid: 4000, mode: 0o700, want: true},
		"a service's, in a checkout of root's": {process: as(998), uid: 998, gid: 998, mode: 0o755, own: true, want: true},
		"a container's":                        {process: mapped(0), uid: 100_000, gid: 100_000, mode: 0o755, want: true},
		"a container user's":                   {process: mapped(33), uid: 100_033, gid: 100_033, mode: 0o755, want: true},
		"a volume of its container's":          {process: mapped(0), uid: 101_000, gid: 101_000, mode: 0o700, want: true},
		"outside of the container":             {process: mapped(0), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755},
		"root in a namespace of his own":       {process: unshared("-Ur"), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755},
		"in a namespace without users":         {process: unshared("-U", "--keep-caps"), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755},
		"by a set-uid program":                 {process: setUID, checkout: 4000, uid: 4000, gid: 4000, mode: 0o755},
		"the jobs of a checkout of root's":     {process: as(4001), uid: 0, mode: 0o755, own: true, want: true},
		"the jobs of somebody's checkout":      {process: as(4001), checkout: 4000, uid: 4000, gid: 4000, mode: 0o755, own: true, want: true},
		"put into his own checkout":            {process: as(4001), checkout: 4001, uid: 4000, gid: 4000, mode: 0o755, own: true},
		"with mounts of his own":               {process: unshared("-Urm"), uid: 0, mode: 0o755, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := claimedFolder(t, c.checkout, c.uid, c.gid, c.mode)
			if c.acl != 0 {
				require.NoError(t, unix.Setxattr(path, accessList, listFor(c.acl), 0))
			}
			f := newFiles("/", hostfs.NewGate(hostfs.Settings{}))
			require.NoError(t, f.open())
			var checkout folderID
			if c.own {
				checkout = folderAt(f.hostRoot(), filepath.Dir(path))
			}
			who := f.claimant(c.process(t, filepath.Dir(path)), checkout)
			require.NotNil(t, who)
			held, err := f.hostRoot().Hold(path)
			require.NoError(t, err)
			defer unix.Close(held.FD)
			assert.Equal(t, c.want, Claimants{who}.May(f.hostRoot(), held))
		})
	}
}

// TestASwappedCheckout: between the first look and the confirmation, the checkout of a stranger
// becomes a link to that of somebody else.
func TestASwappedCheckout(t *testing.T) {
	victim := filepath.Dir(claimedFolder(t, 4000, 4000, 4000, 0o755))
	own := filepath.Dir(claimedFolder(t, 4001, 4001, 4001, 0o755))
	pid := runningAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4001, Gid: 4001}}, "sleep", "1000")
	table := NewTable(Settings{})
	defer table.Close()
	f := table.files
	require.NoError(t, f.open())
	find := func() *unconfirmed {
		found := f.service(surroundings{pid: pid, root: f.rootOf(pid)}, ruleBelowCwd, own, true)
		return &unconfirmed{ruleMatch: found}
	}
	may := func(u *unconfirmed) bool {
		held, err := f.hostRoot().Hold(filepath.Join(own, ".jobs"))
		require.NoError(t, err)
		defer unix.Close(held.FD)
		return Claimants{f.claimant(pid, u.foundIn)}.May(f.hostRoot(), held)
	}
	u := find()
	assert.True(t, may(u))
	assert.False(t, table.moved(u, pid))

	require.NoError(t, os.Rename(own, own+".away"))
	t.Cleanup(func() { _ = os.RemoveAll(own + ".away") })
	require.NoError(t, os.Symlink(victim, own))
	assert.False(t, may(u), "it is the checkout that it was found in that counts")
	assert.True(t, table.moved(u, pid))

	u.checkout.inner = own // as in a look that resolved the path before it became a link
	u.foundIn = folderAt(f.rootOf(pid), own)
	assert.Equal(t, folderID{}, u.foundIn)
	assert.False(t, may(u))

	again := find()
	assert.Equal(t, victim, again.checkout.inner)
	assert.NotEmpty(t, again.stranger, "in a checkout of somebody else, it is an instance of its own")
}

// listFor is an access control list that lets a user write.
func listFor(uid int) []byte {
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, entry := range [][3]uint32{{1, 7, 1<<32 - 1}, {aclUser, 7, uint32(uid)}, {4, 5, 1<<32 - 1}, {aclMask, 7, 1<<32 - 1}, {32, 5, 1<<32 - 1}} {
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[0]))
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[1]))
		list = binary.LittleEndian.AppendUint32(list, entry[2])
	}
	return list
}

// TestWhatAServerDecides: on NFS an owner may have no name here, on CIFS and FUSE modes tell
// nothing. On a disk nobody is a user as any other.
func TestWhatAServerDecides(t *testing.T) {
	path := claimedFolder(t, 0, 65_534, 65_534, 0o755)
	f := newFiles("/", hostfs.NewGate(hostfs.Settings{}))
	held, err := f.hostRoot().Hold(path)
	require.NoError(t, err)
	defer unix.Close(held.FD)
	device := strconv.Itoa(int(unix.Major(held.Stat.Dev))) + ":" + strconv.Itoa(int(unix.Minor(held.Stat.Dev)))
	list := Claimants{f.claims(credentials{uid: 4001})}
	for kind, owners := range map[string][2]bool{"nfs4": {true, false}, "cifs": {true, true}, "fuse.sshfs": {true, true}, "ext4": {false, false}} {
		root := &hostfs.Root{Mounts: []hostfs.Mount{{Device: device, Type: kind}}}
		for n, uid := range []uint32{65_534, 4000} {
			held.Stat.Uid = uid
			assert.Equal(t, owners[n], list.May(root, held), "%s of %d", kind, uid)
		}
	}
	assert.True(t, Claimants(nil).May(f.hostRoot(), held), "nobody is known")
}

// TestSubordinatesAreTheirOwners: of a container without root, the user who has it may have the
// folders, and its users those of him.
func TestSubordinatesAreTheirOwners(t *testing.T) {
	f := newFiles("/", hostfs.NewGate(hostfs.Settings{}))
	f.subordinates = subordinates{read: time.Now(), ranges: []subordinateRange{{4001, 165_536, 65_536}, {4002, 265_536, 65_536}}}
	for _, uid := range []int{4001, 165_536 + 33} {
		c := f.claims(credentials{uid: uid})
		assert.True(t, c.has(4001))
		assert.True(t, c.has(165_536+1000))
		assert.False(t, c.has(4002))
		assert.False(t, c.has(265_536))
	}
}
