package jobqueue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// What a Watcher knows outlives its process in records: small pieces under fixed names, so that a
// change of one job writes one piece anew, and any store that knows Get and Set will do.

// StateRecord is one piece. An empty Value says that there is none any more.
type StateRecord struct {
	Key   string
	Value []byte
}

// Load fetches what was saved under the given keys, in their order; nil where nothing was.
type Load func(ctx context.Context, keys []string) ([][]byte, error)

// RestoreState says what a folder's jobs were compared with at the first pass.
type RestoreState string

// The memories.
const (
	// RestoreNone: nothing is kept. What lay there at the first pass is history.
	RestoreNone RestoreState = "none"
	// RestoreNew: nothing was kept yet. What lay there at the first pass is history.
	RestoreNew RestoreState = "new"
	// RestoreDone: what was kept is compared with what lies there now.
	RestoreDone RestoreState = "restored"
	// RestoreUnreadable: the saved state cannot be parsed and is treated like RestoreNew.
	RestoreUnreadable RestoreState = "unreadable"
)

// folderKey, jobsKey and finishedKey name the records of a folder, which is named by one of its
// instances.
func folderKey(folder string) string { return folder + "/folder" }

func jobsKey(folder string, shard int) string { return folder + "/jobs/" + strconv.Itoa(shard) }

func finishedKey(folder string, dir, shard int) string {
	return folder + "/" + jobsdir.Names[dir] + "/" + strconv.Itoa(shard)
}

// terminalParts have an archive.
var terminalParts = [...]int{jobsdir.Completed, jobsdir.Failed}

// allKeys names every record that a folder may have: first the folder's, then its jobs', then the
// archives', then those of the runs that were counted.
func allKeys(folder string) []string {
	keys := make([]string, 0, recordCount)
	keys = append(keys, folderKey(folder))
	for shard := range shardCount {
		keys = append(keys, jobsKey(folder, shard))
	}
	for _, dir := range terminalParts {
		for shard := range shardCount {
			keys = append(keys, finishedKey(folder, dir, shard))
		}
	}
	for shard := range shardCount {
		keys = append(keys, concludedKey(folder, shard))
	}
	return keys
}

// recordCount is how many records a folder may have.
const recordCount = 1 + shardCount*(1+len(terminalParts)+1)

func concludedKey(folder string, shard int) string {
	return folder + "/concluded/" + strconv.Itoa(shard)
}

// load fetches what was kept of folders that are not known.
func (w *Watcher) load(ctx context.Context, folders []Folder, now time.Time) error {
	if w.settings.Load == nil {
		return nil
	}
	if err := w.retention.open(ctx, w.settings.Load); err != nil {
		return fmt.Errorf("load jobs: %w", err)
	}
	known := make(map[string]bool)
	for _, f := range w.folders {
		for _, id := range f.instances {
			known[id] = true
		}
	}
	for _, at := range folders {
		if at.Of != "" || known[at.Instance] || w.loaded[at.Instance] != nil {
			continue
		}
		values, err := w.settings.Load(ctx, allKeys(at.Instance))
		if err != nil {
			return fmt.Errorf("load jobs of %s: %w", at.Instance, err)
		}
		w.loaded[at.Instance] = parseRecords(values)
	}
	w.retention.use(folders, now)
	return nil
}

// Export are the records that differ from what was saved last. What a folder's first scan found so
// far is not among them: until it is through there is nothing to compare with.
func (w *Watcher) Export() []StateRecord {
	if w.settings.Load == nil {
		return nil
	}
	records := w.retention.export()
	for _, f := range w.folders {
		if f.keeps() {
			records = f.appendDirty(records)
		}
	}
	return records
}

// MarkSaved says that what Export returned, since the last pass, is safe.
func (w *Watcher) MarkSaved() {
	w.retention.markSaved()
	for _, f := range w.folders {
		if f.keeps() {
			f.saved()
		}
	}
}

// keeps says that what is known of a folder can be saved now.
func (f *jobsFolder) keeps() bool {
	return f.of == "" && f.flight == nil && (f.scanned || f.restored == RestoreDone)
}

func (f *jobsFolder) appendDirty(records []StateRecord) []StateRecord {
	if f.dirty || f.totals.changed() {
		records = append(records, StateRecord{folderKey(f.key), f.marshal()})
	}
	if f.dirtyJobs != (shards{}) {
		records = f.appendJobs(records)
	}
	for _, i := range terminalParts {
		if d := &f.dirs[i]; d.finished.dirty != (shards{}) {
			records = f.appendArchive(records, d)
		}
	}
	return f.appendConcluded(records)
}

func (f *jobsFolder) saved() {
	f.dirty, f.dirtyJobs = false, shards{}
	f.totals.markSaved()
	for _, i := range terminalParts {
		f.dirs[i].finished.dirty = shards{}
	}
	f.concluded.dirty = shards{}
}

// appendConcluded adds the shards of the runs that were counted, as far as they changed.
func (f *jobsFolder) appendConcluded(records []StateRecord) []StateRecord {
	for shard, changed := range f.concluded.dirty {
		if !changed {
			continue
		}
		var value []byte
		for identity, known := range f.concluded.shards[shard] {
			value = appendFinished(value, identity, known)
		}
		records = append(records, StateRecord{concludedKey(f.key, shard), value})
	}
	return records
}

// appendArchive adds the shards of an archive that changed. A finished job whose file went, and may
// turn up as a retry, is still one of them.
func (f *jobsFolder) appendArchive(records []StateRecord, d *statusDir) []StateRecord {
	var values [shardCount][]byte
	add := func(hash uint64, known finished) {
		if shard := shardOf(hash); d.finished.dirty[shard] {
			values[shard] = appendFinished(values[shard], hash, known)
		}
	}
	for shard, changed := range d.finished.dirty {
		if changed {
			for hash, known := range d.finished.shards[shard] {
				add(hash, known)
			}
		}
	}
	for hash, g := range f.tombstones {
		if _, there := d.finished.get(hash); !there && g.state == d.state() {
			add(hash, g.finished)
		}
	}
	for shard, changed := range d.finished.dirty {
		if changed {
			records = append(records, StateRecord{finishedKey(f.key, d.Index, shard), values[shard]})
		}
	}
	return records
}
