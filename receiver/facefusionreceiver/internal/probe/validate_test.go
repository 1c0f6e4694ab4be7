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

func TestANumberWithoutAUnit(t *testing.T) {
	require.EqualError(t, AtLeast("collection_interval", 15, time.Second, 15*time.Second),
		"collection_interval is 15ns: give at least 1s, or leave it out for 15s (15 without a unit is nanoseconds)")
	require.EqualError(t, ZeroOrAtLeast("release_when_idle", 300, time.Second, "never"),
		"release_when_idle is 300ns: give at least 1s, or 0s for never (300 without a unit is nanoseconds)")
	require.EqualError(t, Between("timeout", 3, 100*time.Millisecond, time.Minute, 3*time.Second),
		"timeout is 3ns: give 100ms to 1m, or leave it out for 3s (3 without a unit is nanoseconds)")
}

func TestZeroOrAtLeast(t *testing.T) {
	require.NoError(t, ZeroOrAtLeast("timeout", 0, time.Second, "none"))
	require.NoError(t, ZeroOrAtLeast("timeout", time.Second, time.Second, "none"))
	require.EqualError(t, ZeroOrAtLeast("timeout", -time.Second, time.Second, "none"), "timeout is -1s: give at least 1s, or 0s for none")
}

func TestBetween(t *testing.T) {
	for _, inside := range []time.Duration{time.Second, 2 * time.Second, time.Minute} {
		require.NoError(t, Between("timeout", inside, time.Second, time.Minute, 3*time.Second))
	}
	for _, outside := range []time.Duration{-time.Second, 0, time.Second - 1, time.Minute + 1} {
		require.Error(t, Between("timeout", outside, time.Second, time.Minute, 3*time.Second))
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 5 * time.Minute: "5m", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 150 * time.Millisecond: "150ms", 61 * time.Second: "1m1s",
	} {
		require.Equal(t, want, brief(d))
	}
}
