package process

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// credentials are the user and the groups of a process, as the host numbers them.
type credentials struct {
	uid    int
	groups []int
	// overrides says that it may write whatever belongs to a user of its user namespace.
	overrides bool
	// users are those of its user namespace; empty where they are those of the host.
	users []idRange
}

// idRange is a line of /proc/<pid>/uid_map, see user_namespaces(7).
type idRange struct{ inner, outer, count int }

// capDACOverride is the bit of CAP_DAC_OVERRIDE.
const capDACOverride = 1 << 1

// credentials reads /proc/<pid>/status and uid_map, which everybody may read.
func (f *files) credentials(pid int) (c credentials, ok bool) {
	data, err := f.read(f.path(pid, "status"), maxStat)
	if err != nil {
		return credentials{}, false
	}
	started := 0
	for line := range strings.Lines(string(data)) {
		name, list, _ := strings.Cut(line, ":")
		fields := strings.Fields(list)
		switch name {
		case "Uid":
			if len(fields) == 4 {
				started, err = strconv.Atoi(fields[0]) // the real one
				ok = err == nil
				c.uid, err = strconv.Atoi(fields[1]) // the effective one
				ok = ok && err == nil
			}
		case "Gid", "Groups":
			for _, field := range fields {
				if group, err := strconv.Atoi(field); err == nil {
					c.groups = append(c.groups, group)
				}
			}
		case "CapEff":
			if set, err := strconv.ParseUint(strings.TrimSpace(list), 16, 64); err == nil {
				c.overrides = set&capDACOverride != 0
			}
		}
	}
	users, mapped := f.users(pid)
	c.users = users
	// Whoever starts a program that is set-uid to root chooses its command line: it counts as his.
	if root := c.inner(c.uid) == 0 || c.host(); root && started != c.uid {
		c.uid, c.overrides = started, false
	} else {
		c.overrides = mapped && (c.overrides || root)
	}
	return c, ok
}

// users are those of the user namespace of a process. It has none before somebody has written them,
// and its capabilities mean nothing then: mapped is false.
func (f *files) users(pid int) (list []idRange, mapped bool) { return f.ids(pid, "uid_map") }

// ids reads the map of users or of groups.
func (f *files) ids(pid int, file string) (list []idRange, mapped bool) {
	data, err := f.read(f.path(pid, file), maxStat)
	if err != nil {
		return nil, true
	}
	if len(data) == 0 {
		return nil, false
	}
	for line := range strings.Lines(string(data)) {
		var r idRange
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, true
		}
		for n, to := range []*int{&r.inner, &r.outer, &r.count} {
			if *to, err = strconv.Atoi(fields[n]); err != nil {
				return nil, true
			}
		}
		if r.inner == 0 && r.outer == 0 && r.count == allIDs {
			return nil, true
		}
		list = append(list, r)
	}
	return list, true
}

// allIDs is how many the initial user namespace has.
const allIDs = 1<<32 - 1

// host says that it is the root of the host.
func (c credentials) host() bool { return c.uid == 0 }

// inner is a user as the process's own namespace numbers him, or -1.
func (c credentials) inner(uid int) int {
	if len(c.users) == 0 {
		return uid
	}
	for _, r := range c.users {
		if uid >= r.outer && uid < r.outer+r.count {
			return r.inner + uid - r.outer
		}
	}
	return -1
}

// mapped says that a user of the host is one of the process's own user namespace.
func (c credentials) mapped(uid int) bool { return c.inner(uid) >= 0 }

// mayWrite says whether the mode of a folder allows it. Root may within its own user namespace.
func (c credentials) mayWrite(st *unix.Stat_t) bool {
	switch {
	case c.host(), c.overrides && c.mapped(int(st.Uid)):
		return true
	case c.uid == int(st.Uid):
		return st.Mode&0o200 != 0
	case slices.Contains(c.groups, int(st.Gid)):
		return st.Mode&0o020 != 0
	default:
		return st.Mode&0o002 != 0
	}
}

// The form of an access control list, see acl(5): a version, then entries of a tag, a set of
// permissions and an ID.
const (
	accessList     = "system.posix_acl_access"
	maxAccessList  = 4 << 10
	aclHeader      = 4
	aclEntry       = 8
	aclUser        = 0x02
	aclGroup       = 0x08
	aclMask        = 0x10
	aclWrite       = 2
	aclEverything  = 7
	aclTagOffset   = 0
	aclPermOffset  = 2
	aclOwnerOffset = 4
)

// allowedBy says whether a list lets the user write beyond what the mode says.
func (c credentials) allowedBy(list []byte) bool {
	allowed, mask := uint16(0), uint16(aclEverything)
	for at := aclHeader; at+aclEntry <= len(list); at += aclEntry {
		tag := binary.LittleEndian.Uint16(list[at+aclTagOffset:])
		permissions := binary.LittleEndian.Uint16(list[at+aclPermOffset:])
		id := int(binary.LittleEndian.Uint32(list[at+aclOwnerOffset:]))
		switch {
		case tag == aclMask:
			mask = permissions
		case tag == aclUser && id == c.uid, tag == aclGroup && slices.Contains(c.groups, id):
			allowed |= permissions
		}
	}
	return allowed&mask&aclWrite != 0
}
