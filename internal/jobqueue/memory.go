package jobqueue

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// What a Watcher knows outlives its process in records: small pieces under fixed names, so that a change of one job writes one piece anew, and any store that
// knows Get and Set will do.

// Record is one piece. An empty Value says that there is none any more.
type Record struct {
	Key   string
	Value []byte
}

// Recall fetches what was saved under the given keys, in their order; nil where nothing was.
type Recall func(ctx context.Context, keys []string) ([][]byte, error)

// Memory says what a folder's jobs were compared with at the first look.
type Memory string

// The memories.
const (
	// MemoryNone: nothing is kept. What lay there at the first look is history.
	MemoryNone Memory = "none"
	// MemoryNew: nothing was kept yet. What lay there at the first look is history.
	MemoryNew Memory = "new"
	// MemoryRestored: what was kept is compared with what lies there now.
	MemoryRestored Memory = "restored"
	// MemoryUnreadable: what was kept makes no sense, as if there had been nothing.
	MemoryUnreadable Memory = "unreadable"
)

// folderKey, jobsKey and finishedKey name the records of a folder, which is named by one of its instances.
func folderKey(folder string) string { return folder + "/folder" }

func jobsKey(folder string, shard int) string { return folder + "/jobs/" + strconv.Itoa(shard) }

func finishedKey(folder string, part, shard int) string {
	return folder + "/" + partNames[part] + "/" + strconv.Itoa(shard)
}

// terminalParts have an archive.
var terminalParts = [...]int{partCompleted, partFailed}

// allKeys names every record that a folder may have: first the folder's, then its jobs', then the archives'.
func allKeys(folder string) []string {
	keys := make([]string, 0, 1+shardCount*(1+len(terminalParts)))
	keys = append(keys, folderKey(folder))
	for shard := range shardCount {
		keys = append(keys, jobsKey(folder, shard))
	}
	for _, part := range terminalParts {
		for shard := range shardCount {
			keys = append(keys, finishedKey(folder, part, shard))
		}
	}
	return keys
}

// recall fetches what was kept of folders that are not known.
func (w *Watcher) recall(ctx context.Context, folders []Folder, now time.Time) error {
	if w.settings.Recall == nil {
		return nil
	}
	if err := w.shelf.open(ctx, w.settings.Recall); err != nil {
		return fmt.Errorf("recall jobs: %w", err)
	}
	known := make(map[string]bool)
	for _, f := range w.folders {
		for _, id := range f.instances {
			known[id] = true
		}
	}
	for _, at := range folders {
		if known[at.Instance] || w.recalled[at.Instance] != nil {
			continue
		}
		values, err := w.settings.Recall(ctx, allKeys(at.Instance))
		if err != nil {
			return fmt.Errorf("recall jobs of %s: %w", at.Instance, err)
		}
		w.recalled[at.Instance] = parseRecords(values)
	}
	w.shelf.use(folders, now)
	return nil
}

// Unsaved are the records that differ from what was saved last. What a folder's first scan found so far is not among them: until it is through there is
// nothing to compare with.
func (w *Watcher) Unsaved() []Record {
	if w.settings.Recall == nil {
		return nil
	}
	records := w.shelf.unsaved()
	for _, f := range w.folders {
		if f.scanned || f.memory == MemoryRestored {
			records = f.appendUnsaved(records)
		}
	}
	return records
}

// Saved says that what Unsaved returned, since the last look, is safe.
func (w *Watcher) Saved() {
	w.shelf.saved()
	for _, f := range w.folders {
		if f.scanned || f.memory == MemoryRestored {
			f.saved()
		}
	}
}

func (f *folder) appendUnsaved(records []Record) []Record {
	if f.changed || f.totals.changed {
		records = append(records, Record{folderKey(f.key), f.marshal()})
	}
	if f.changedJobs != (shards{}) {
		records = f.appendJobs(records)
	}
	for _, i := range terminalParts {
		if p := &f.parts[i]; p.finished.changed != (shards{}) {
			records = f.appendArchive(records, p)
		}
	}
	return records
}

func (f *folder) saved() {
	f.changed, f.totals.changed, f.changedJobs = false, false, shards{}
	for _, i := range terminalParts {
		f.parts[i].finished.changed = shards{}
	}
}

// appendArchive adds the shards of an archive that changed. A finished job whose file went, and may turn up as a retry, is still one of them.
func (f *folder) appendArchive(records []Record, p *part) []Record {
	var values [shardCount][]byte
	add := func(hash uint64, known finished) {
		if shard := shardOf(hash); p.finished.changed[shard] {
			values[shard] = appendFinished(values[shard], hash, known)
		}
	}
	for shard, changed := range p.finished.changed {
		if changed {
			for hash, known := range p.finished.shards[shard] {
				add(hash, known)
			}
		}
	}
	for hash, g := range f.ghosts {
		if _, there := p.finished.get(hash); !there && g.state == p.state() {
			add(hash, g.finished)
		}
	}
	for shard, changed := range p.finished.changed {
		if changed {
			records = append(records, Record{finishedKey(f.key, p.index, shard), values[shard]})
		}
	}
	return records
}
