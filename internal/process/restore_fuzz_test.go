package process_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// FuzzSavedInstances: whatever was saved is restored without harm, no id is had by two instances,
// and what is exported then can be read again.
func FuzzSavedInstances(f *testing.F) {
	f.Add([]byte(`[{"ID":"a","Version":"3.8.1","Checkout":{"Inner":"/opt/a","Host":"/opt/a","Key":"1:2"},"Jobs":{"Inner":"/opt/a/.jobs","Host":"/opt/a/.jobs","Key":"1:3"},"Roles":["server"]},
		{"ID":"a","Checkout":{"Key":"1:4"},"Jobs":{"Key":"1:5"}}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, saved []byte) {
		var list []process.SavedInstance
		if json.Unmarshal(saved, &list) != nil {
			return
		}
		w := newHarness(t, process.Settings{})
		w.table.Restore(list)
		seen := map[string]bool{}
		for _, i := range w.pass().Instances {
			assert.False(t, seen[i.ID], "two instances are %q", i.ID)
			seen[i.ID] = true
		}
		exported, err := json.Marshal(w.table.Export())
		require.NoError(t, err)
		var again []process.SavedInstance
		require.NoError(t, json.Unmarshal(exported, &again))
		require.NoError(t, w.table.Close())
	})
}
