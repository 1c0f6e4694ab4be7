package backoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDelaysDoubleUpToTheLongest(t *testing.T) {
	var b Backoff
	now := time.Unix(1_800_000_000, 0)
	require.True(t, b.Ready(now))
	for _, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
		delay := time.Duration(seconds) * time.Second
		require.Equal(t, delay, b.Failed(now))
		require.False(t, b.Ready(now.Add(delay-1)))
		require.True(t, b.Ready(now.Add(delay)))
		now = now.Add(delay)
	}
	b.Reset()
	require.True(t, b.Ready(now))
	require.Equal(t, time.Second, b.Failed(now))
}
