package process_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestASearchIsBounded: of a folder full of folders some are tried, once what is above is found,
// and a payer has no more tried in a pass than it has.
func TestASearchIsBounded(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for _, nest := range []string{"vendor", "lib", "src", "app"} {
		for n := range 200 {
			require.NoError(t, w.host.WriteFile(fmt.Sprintf("/home/eve/%s/x%03d/y", nest, n), ""))
		}
	}
	for n := range 12 {
		w.put(pythonIn(100+n, "/home/eve", fmt.Sprintf("python3 a%d.py", n)))
	}
	w.pass()
	tried, searches := process.Tried(w.table)
	require.LessOrEqual(t, tried, 2048+512+16)
	require.Less(t, searches, 12, "the others wait")
	require.Positive(t, searches)
}
