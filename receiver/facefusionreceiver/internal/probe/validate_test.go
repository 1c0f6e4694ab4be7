package probe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAtLeastNamesFieldValueAndRemedy(t *testing.T) {
	require.NoError(t, AtLeast("interval", time.Second, time.Second, time.Minute))
	require.EqualError(t, AtLeast("interval", time.Millisecond, 100*time.Millisecond, time.Second),
		"interval is 1ms: give at least 100ms, or leave it out for 1s")
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 5 * time.Minute: "5m", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 150 * time.Millisecond: "150ms", 61 * time.Second: "1m1s",
	} {
		require.Equal(t, want, brief(d))
	}
}
