package hostnet

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// HeldSockets returns the inodes of the sockets that a process holds: folder is its /proc/<pid>/fd.
// With CAP_DAC_READ_SEARCH alone the folder may be listed and its links may not be read, which is
// an error.
func HeldSockets(folder string) (map[uint64]bool, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the folder
	}
	inodes := make(map[uint64]bool)
	for _, e := range entries {
		target, err := os.Readlink(folder + "/" + e.Name())
		if errors.Is(err, fs.ErrPermission) {
			return nil, err //nolint:wrapcheck // it names the link
		}
		number, ok := strings.CutPrefix(target, "socket:[")
		if !ok {
			continue
		}
		if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); err == nil {
			inodes[inode] = true
		}
	}
	return inodes, nil
}
