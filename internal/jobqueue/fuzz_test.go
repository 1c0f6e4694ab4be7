package jobqueue

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzParseFinished: what is read is what was written, to the byte.
func FuzzParseFinished(f *testing.F) {
	f.Add(appendFinished(nil, 7, finished{ino: 5, attempt: 2, version: 3}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, text []byte) {
		var again []byte
		err := parseFinished(text, func(hash uint64, one finished) { again = appendFinished(again, hash, one) })
		if err != nil {
			require.ErrorIs(t, err, errTruncated)
			return
		}
		assert.True(t, bytes.Equal(text, again))
	})
}

// FuzzSavedFolder: records are restored as a whole or not at all; a folder that was restored saves
// what can be restored again, and that is the same.
func FuzzSavedFolder(f *testing.F) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	seed := savedFolder{
		Version: savedVersion, Start: start, Orphans: map[LossReason]uint64{"killed": 2},
		UsedUp: []savedUse{{ProcessID{}, "job"}},
	}
	f.Add(marshal(&seed), []byte(`[{"Name":"a.json"}]`), []byte{})
	f.Add([]byte(`{"version":0}`), []byte(`[]`), []byte{1})
	f.Fuzz(func(t *testing.T, folder, jobs, done []byte) {
		values := make([][]byte, recordCount)
		values[0], values[1], values[1+shardCount] = folder, jobs, done
		state := parseRecords(values)
		if state.restored != RestoreDone {
			assert.Empty(t, state.jobs)
			return
		}
		restored := newFolder("a", &Settings{}, nil, (&room{}).enter("a"), start)
		restored.restore(state)
		require.Equal(t, RestoreDone, restored.restored)
		values = make([][]byte, recordCount)
		values[0] = restored.marshal()
		var again savedFolder
		require.NoError(t, json.Unmarshal(values[0], &again))
		second := parseRecords(values)
		require.Equal(t, RestoreDone, second.restored)
		other := newFolder("a", &Settings{}, nil, (&room{}).enter("a"), start)
		other.restore(second)
		assert.Equal(t, restored.totals.orphans, other.totals.orphans)
		assert.Equal(t, restored.usedUp, other.usedUp)
		assert.Len(t, other.totals.runs, len(restored.totals.runs))
	})
}
