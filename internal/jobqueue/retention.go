package jobqueue

import (
	"context"
	"encoding/json"
	"time"
)

// retention lists the folders of which records are kept, so that those of folders that are long
// gone can be thrown away.
type retention struct {
	opened bool
	used   map[string]int64 // day since 1970 by folder
	dirty  bool
	// discarded are the folders whose records are to go.
	discarded []string
}

const (
	retentionKey = "folders"
	// keptDays is for how long the records of a folder are kept that nobody uses: longer than a
	// host is repaired.
	keptDays = 90
)

// open reads the list, once. A list that cannot be parsed is replaced by an empty one.
func (s *retention) open(ctx context.Context, load Load) error {
	if s.opened {
		return nil
	}
	values, err := load(ctx, []string{retentionKey})
	if err != nil {
		return err
	}
	s.opened = true
	if json.Unmarshal(values[0], &s.used) != nil || s.used == nil { // also when there is none
		s.used = make(map[string]int64)
	}
	return nil
}

// use notes that folders are in use, and discards those that have not been for long.
func (s *retention) use(folders []Folder, now time.Time) {
	today := now.Unix() / (24 * 60 * 60)
	for _, at := range folders {
		if at.Of == "" && s.used[at.Instance] != today {
			s.used[at.Instance], s.dirty = today, true
		}
	}
	for folder, day := range s.used {
		if today-day > keptDays {
			delete(s.used, folder)
			s.discarded, s.dirty = append(s.discarded, folder), true
		}
	}
}

func (s *retention) export() []StateRecord {
	if !s.dirty {
		return nil
	}
	text, err := json.Marshal(s.used)
	if err != nil { // a map of numbers
		return nil
	}
	records := []StateRecord{{retentionKey, text}}
	for _, folder := range s.discarded {
		for _, key := range allKeys(folder) {
			records = append(records, StateRecord{Key: key})
		}
	}
	return records
}

func (s *retention) markSaved() { s.dirty, s.discarded = false, nil }
