package jobqueue

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
)

// concluded remembers the runs that were counted, by what identifies them whatever happens to their
// files: the job's id, and when the file says that it was created and last updated. A share that is
// mounted anew has other inodes, a backup other times: neither makes a run happen again.
type concluded struct {
	archive
}

// maxConcluded bounds what is remembered of one folder: 2 MB on disk. Beyond it the oldest go.
const maxConcluded = 1 << 17

// identityOf is what stays the same of a run that has ended. A retry updates the file.
func identityOf(j *job) uint64 {
	b := append(make([]byte, 0, len(j.name)+16), j.name...)
	b = binary.LittleEndian.AppendUint64(b, uint64(j.doc.Created.UnixNano()))
	return xxhash.Sum64(binary.LittleEndian.AppendUint64(b, uint64(j.doc.Updated.UnixNano())))
}

// has says that the run of a job was counted. A file without dates says too little for that.
func (c *concluded) has(j *job) bool {
	_, there := c.get(identityOf(j))
	return there && !j.doc.Updated.IsZero()
}

func (c *concluded) add(j *job, now time.Time) {
	if j.doc.Updated.IsZero() {
		return
	}
	if c.count >= maxConcluded {
		c.dropBefore(c.median())
	}
	c.put(identityOf(j), finished{ino: uint64(day(now))})
}

func day(now time.Time) int64 { return now.Unix() / (24 * 60 * 60) }

// dropBefore forgets the runs that ended before a day.
func (c *concluded) dropBefore(day uint64) {
	c.all(func(identity uint64, f finished) {
		if f.ino < day {
			c.remove(identity)
		}
	})
}

// median is a day before which some of them ended, and not all, unless all ended on one: then it is
// the next, and all go.
func (c *concluded) median() uint64 {
	var first, last uint64
	c.all(func(_ uint64, f finished) {
		if first == 0 || f.ino < first {
			first = f.ino
		}
		last = max(last, f.ino)
	})
	return max((first+last)/2, first+1)
}
