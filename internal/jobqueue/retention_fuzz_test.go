package jobqueue

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzRetention: whatever is read, the folders in use are kept, and what is saved is read as it
// was.
func FuzzRetention(f *testing.F) {
	f.Add([]byte(`{"facefusion-1":20000,"facefusion-2":-1}`))
	f.Add([]byte("null"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		load := func(text []byte) Load {
			return func(context.Context, []string) ([][]byte, error) { return [][]byte{text}, nil }
		}
		var before, after retention
		require.NoError(t, before.open(t.Context(), load(text)))
		before.dirty = true
		before.use([]Folder{{Instance: "facefusion-1"}}, time.Unix(1_800_000_000, 0))
		records := before.export()
		require.Equal(t, retentionKey, records[0].Key)
		require.NoError(t, after.open(t.Context(), load(records[0].Value)))
		require.Equal(t, before.used, after.used)
		require.Contains(t, after.used, "facefusion-1")
	})
}
