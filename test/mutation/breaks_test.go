package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEveryBreakFits: code that changes must not leave a break behind that changes nothing.
func TestEveryBreakFits(t *testing.T) {
	for i := range breaks {
		b := &breaks[i]
		source, err := os.ReadFile(filepath.Join("..", "..", b.file))
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(source), b.old), "%s: %s: write the break anew", b.file, b.what)
		assert.NotEqual(t, b.old, b.broken)
	}
}
