package recordlog

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestADamagedDescriptionIsRefused: of the header and the description, each bit counts.
func TestADamagedDescriptionIsRefused(t *testing.T) {
	frame, values := appendFrame(make([]byte, 0, 64), []Operation{{Key: "ab", Value: []byte("1")}, {Key: "b"}})
	_, ok := parseDescription(frame[:values], 1)
	require.True(t, ok)
	for bit := range values * 8 {
		damaged := slices.Clone(frame[:values])
		damaged[bit/8] ^= 1 << (bit % 8)
		_, ok := parseDescription(damaged, 1)
		require.False(t, ok, "bit %d", bit)
	}
}

// FuzzDescription: what is understood is what a frame is made of again.
func FuzzDescription(f *testing.F) {
	frame, values := appendFrame(nil, []Operation{{Key: "a", Value: []byte("1")}, {Key: "b"}})
	f.Add(frame[:values], 1)
	f.Fuzz(func(t *testing.T, head []byte, values int) {
		if len(head) < headerSize {
			return
		}
		all, ok := parseDescription(head, values)
		if !ok {
			return
		}
		total := 0
		for _, d := range all {
			assert.Contains(t, []byte{kindSet, kindDelete}, d.kind)
			total += d.size
		}
		assert.Equal(t, values, total)
	})
}

// FuzzSegment: whatever lies in the folder, it is opened, and takes and keeps what is written then.
func FuzzSegment(f *testing.F) {
	frame, _ := appendFrame(nil, []Operation{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("22")}})
	f.Add(frame)
	f.Add(frame[:len(frame)-1])
	f.Add(append([]byte("rubbish"), frame...))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, segmentName(1)), content, 0o600))
		journal := Open(dir, Options{})
		_ = journal.Get("a")
		require.NoError(t, journal.Apply([]Operation{{Key: "a", Value: []byte("new")}, {Key: "b"}}))
		require.NoError(t, journal.Close())
		journal = Open(dir, Options{})
		assert.Equal(t, "new", string(journal.Get("a")))
		assert.Nil(t, journal.Get("b"))
		require.NoError(t, journal.Close())
	})
}
