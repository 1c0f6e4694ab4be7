package process

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// credentials are the user and the groups of a process, as the host numbers them.
type credentials struct {
	uid    int
	groups []int
}

// credentials reads /proc/<pid>/status, which everybody may read.
func (f *files) credentials(pid int) (c credentials, ok bool) {
	data, err := f.read(f.path(pid, "status"), maxStat)
	if err != nil {
		return credentials{}, false
	}
	for line := range strings.Lines(string(data)) {
		name, list, _ := strings.Cut(line, ":")
		fields := strings.Fields(list)
		switch name {
		case "Uid":
			if len(fields) == 4 {
				c.uid, err = strconv.Atoi(fields[1]) // the effective one
				ok = err == nil
			}
		case "Gid", "Groups":
			for _, field := range fields {
				if group, err := strconv.Atoi(field); err == nil {
					c.groups = append(c.groups, group)
				}
			}
		}
	}
	return c, ok
}

// mayWrite says whether the mode of a folder allows it.
func (c credentials) mayWrite(st *unix.Stat_t) bool {
	switch {
	case c.uid == 0:
		return true
	case c.uid == int(st.Uid):
		return st.Mode&0o200 != 0
	case slices.Contains(c.groups, int(st.Gid)):
		return st.Mode&0o020 != 0
	default:
		return st.Mode&0o002 != 0
	}
}

// attribute finds out whose a process is. Everybody who can read a checkout can start FaceFusion
// there, or say with --jobs-path that he works with somebody's jobs folder. A user who may write
// neither to the checkout nor to the jobs folder in it is a stranger: what he runs is an instance
// of its own, which neither changes the other one's version nor keeps it up. A jobs folder that he
// may not write to is not his, as FaceFusion could do nothing with it. Within a container, and
// where it cannot be told, nobody is a stranger.
func (f *files) attribute(pid int, root *hostfs.Root, p *workdir) {
	if p.checkout.host == "" || p.checkout.host != p.checkout.key {
		return
	}
	c, ok := f.credentials(pid)
	if !ok || c.uid == 0 {
		return
	}
	own := p.checkout.inner + "/" + defaultJobsPath
	if p.jobs.inner != own && c.barredFrom(root, p.jobs.inner) {
		p.jobs, p.temporary, p.refused = f.locate(pid, own), false, true
	}
	if c.barredFrom(root, p.checkout.inner) && (c.barredFrom(root, own) || !exists(root, own)) {
		p.stranger = " of user " + strconv.Itoa(c.uid)
	}
}

// barredFrom says that a folder is there and the user may not write to it.
func (c credentials) barredFrom(root *hostfs.Root, path string) bool {
	st, err := root.Stat(path)
	return err == nil && !c.mayWrite(&st)
}

func exists(root *hostfs.Root, path string) bool {
	_, err := root.Stat(path)
	return err == nil
}
