package process

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoExpressionFitsEveryCommand: what is known of -c without its text fits all others.
func TestNoExpressionFitsEveryCommand(t *testing.T) {
	for _, argv := range [][]string{{"python3", "-c", "import x"}, {"python3", "-u", "-c", "import x"}} {
		expression, ok := hintExpression(argv)
		require.True(t, ok)
		require.Empty(t, expression)
	}
	_, ok := hintExpression(nil)
	require.False(t, ok)
}
