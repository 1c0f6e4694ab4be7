package jobqueue

import (
	"encoding/binary"
	"errors"

	"github.com/cespare/xxhash/v2"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// archive is what a terminal status folder remembers of the jobs that ended: by the hash of the
// file's name, and in shards, so that what is kept on disk of 100,000 of them is not gone through
// and written anew when one more ends.
type archive struct {
	shards [shardCount]map[uint64]finished // nil without one
	count  int
	dirty  shards
}

// finished is what is remembered of a job that ended: 16 bytes.
type finished struct {
	ino        uint64
	generation uint32
	// attempt is the number of attempts, and who made the job: see packMaker.
	attempt uint16
	// version distinguishes what was written to the file at different times: a retry that failed
	// again lies where it lay.
	version uint16
}

// hashName is the same in every process, unlike that of a map.
func hashName(name string) uint64 { return xxhash.Sum64String(name) }

func newFinished(st *jobsdir.FileStat, generation uint32, attempt int, maker jobfile.Origin) finished {
	return finished{ino: st.Ino, generation: generation, attempt: packMaker(attempt, maker), version: versionOf(st)}
}

// versionOf folds the time of the last write to 16 bits: one retry of 65,536 is taken for the run
// before it, if it also ended unseen.
func versionOf(st *jobsdir.FileStat) uint16 {
	return uint16(xxhash.Sum64(binary.LittleEndian.AppendUint64(nil, uint64(st.MTime))))
}

func (a *archive) get(hash uint64) (f finished, there bool) {
	f, there = a.shards[shardOf(hash)][hash]
	return f, there
}

func (a *archive) put(hash uint64, f finished) {
	a.set(hash, f)
	a.dirty.add(hash)
}

// set is put for what is kept already, or need not be.
func (a *archive) set(hash uint64, f finished) {
	shard := &a.shards[shardOf(hash)]
	if *shard == nil {
		*shard = make(map[uint64]finished)
	}
	before := len(*shard)
	(*shard)[hash] = f
	a.count += len(*shard) - before
}

func (a *archive) remove(hash uint64) {
	shard := a.shards[shardOf(hash)]
	before := len(shard)
	delete(shard, hash)
	a.count += len(shard) - before
	a.dirty.add(hash)
}

// all goes through everything; what is visited may be removed.
func (a *archive) all(visit func(hash uint64, f finished)) {
	for _, shard := range a.shards {
		for hash, f := range shard {
			visit(hash, f)
		}
	}
}

// shardCount is how many pieces are kept of each status folder: of 10,000 jobs, one holds 40.
const shardCount = 256

// shards is a set of them.
type shards [shardCount]bool

func shardOf(hash uint64) int { return int(hash % shardCount) }

func (s *shards) add(hash uint64) { s[shardOf(hash)] = true }

// finishedSize is what one takes on disk: hash, inode, attempt and version.
const finishedSize = 8 + 8 + 2 + 2

var errTruncated = errors.New("cut short")

func appendFinished(b []byte, hash uint64, f finished) []byte {
	b = binary.LittleEndian.AppendUint64(b, hash)
	b = binary.LittleEndian.AppendUint64(b, f.ino)
	b = binary.LittleEndian.AppendUint16(b, f.attempt)
	return binary.LittleEndian.AppendUint16(b, f.version)
}

// parseFinished hands over what appendFinished wrote.
func parseFinished(b []byte, visit func(hash uint64, f finished)) error {
	if len(b)%finishedSize != 0 {
		return errTruncated
	}
	for ; len(b) > 0; b = b[finishedSize:] {
		visit(binary.LittleEndian.Uint64(b), finished{
			ino:     binary.LittleEndian.Uint64(b[8:]),
			attempt: binary.LittleEndian.Uint16(b[16:]),
			version: binary.LittleEndian.Uint16(b[18:]),
		})
	}
	return nil
}
