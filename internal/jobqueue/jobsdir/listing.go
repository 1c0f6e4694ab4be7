package jobsdir

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
)

// listing goes through the names in a folder piece by piece, so that a folder with 100,000 of them
// holds nothing up. The kernel gives the inode and the kind of each with its name: nothing needs to
// be opened, and next to nothing asked for.
type listing struct {
	fd  int
	buf []byte
}

// listingBuffer holds about 500 names.
const listingBuffer = 32 << 10

func openListing(dir int) (*listing, error) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return &listing{fd: fd, buf: make([]byte, listingBuffer)}, nil
}

func (l *listing) close() { unix.Close(l.fd) }

// next hands the next piece to visit, as far as the names are those of jobs, and says whether there
// may be more.
func (l *listing) next(visit func(dirent.DirEntry)) (bool, error) {
	more, err := dirent.Read(l.fd, l.buf, func(e dirent.DirEntry) bool {
		if IsJobName(e.Name) {
			visit(e)
		}
		return true
	})
	if err != nil {
		return false, fmt.Errorf("list jobs: %w", err)
	}
	return more, nil
}

// Extension of a job file.
const Extension = ".json"

// IsJobName is what FaceFusion looks for with glob("*.json"), which leaves out names that begin
// with a dot.
func IsJobName[T string | []byte](name T) bool {
	return len(name) > len(Extension) && name[0] != '.' && string(name[len(name)-len(Extension):]) == Extension
}

// JobID is the job's id, which FaceFusion keeps nowhere but in the name of the file.
func JobID(name string) string {
	return strings.ToValidUTF8(strings.TrimSuffix(name, Extension), "\uFFFD")
}
