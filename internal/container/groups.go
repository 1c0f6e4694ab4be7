package container

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Groups reads the control groups of a host. One goroutine at a time uses it.
type Groups struct {
	// root is where they are mounted.
	root string
	// unified is the hierarchy of version 2 below root; empty without one.
	unified string
	buf     []byte
}

// maxFile bounds what is read of one file. The largest is memory.stat, of about 2 KiB; io.stat has
// a line for each device.
const maxFile = 64 << 10

// NewGroups makes a reader for the host whose root is mounted at a folder.
func NewGroups(hostRoot string) *Groups {
	return &Groups{root: filepath.Join(hostRoot, "sys/fs/cgroup"), buf: make([]byte, 4<<10)}
}

// find looks for the hierarchy of version 2: at the root of the mount, or beside those of version
// 1.
func (g *Groups) find() {
	if g.unified != "" {
		return
	}
	for _, folder := range []string{g.root, g.root + "/unified"} {
		if _, err := os.Stat(folder + "/cgroup.controllers"); err == nil {
			g.unified = folder
			return
		}
	}
}

// folder is the group of a location that a controller is in; v2 says in which version. Version 2
// has the files of a controller only where it is switched on.
func (g *Groups) folder(p *Location, controller, file string) (folder string, v2, ok bool) {
	if l, found := p.legacy[controller]; found {
		for _, mount := range []string{l.mount, controller} {
			if where, ok := below(g.root+"/"+mount, l.path, file); ok {
				return where, false, true
			}
		}
		return "", false, false
	}
	g.find()
	if g.unified == "" || p.unified == "" {
		return "", true, false
	}
	folder, ok = below(g.unified, p.unified, file)
	return folder, true, ok
}

// below resolves a path of a group. In a control group namespace the kernel names groups outside of
// it by "..", from the reader's own group on, of which the reader does not know where it is: the
// first part of the path is tried out.
func below(mount, path, file string) (string, bool) {
	rest, outside := path, false
	for len(rest) > 3 && rest[:4] == "/../" {
		rest, outside = rest[3:], true
	}
	if has(mount+rest, file) {
		return mount + rest, true
	}
	if !outside {
		return "", false
	}
	parents, err := os.ReadDir(mount)
	if err != nil {
		return "", false
	}
	for _, parent := range parents {
		if folder := mount + "/" + parent.Name() + rest; parent.IsDir() && has(folder, file) {
			return folder, true
		}
	}
	return "", false
}

func has(folder, file string) bool {
	var st unix.Stat_t
	return unix.Stat(folder+"/"+file, &st) == nil
}
