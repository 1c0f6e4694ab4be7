package gpu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnEmptyWindowIsReportedLikeTheOneBefore(t *testing.T) {
	const uuid, maxAge = "GPU-1", 10 * time.Second
	now := time.Unix(1800000000, 0)
	all := reportedWindows{}
	general := map[Task]Window{TaskGeneral: {Mean: 0.25, Max: 0.5, Samples: 3}}
	processes := map[int]ProcessUtilization{11: {General: Window{Mean: 0.125, Max: 0.25, Samples: 1}}}

	windows, shares := all.fill(uuid, nil, nil, now, maxAge)
	require.Empty(t, windows)
	require.Nil(t, shares, "nothing was ever known")
	windows, shares = all.fill(uuid, general, processes, now, maxAge)
	require.Equal(t, general, windows)
	require.Equal(t, processes, shares)

	windows, shares = all.fill(uuid, nil, nil, now.Add(9*time.Second), maxAge)
	require.Equal(t, general, windows)
	require.Equal(t, processes, shares)
	encoder := map[Task]Window{TaskEncoder: {Mean: 1, Max: 1, Samples: 1}}
	windows, _ = all.fill(uuid, encoder, map[int]ProcessUtilization{}, now.Add(9*time.Second), maxAge)
	require.Equal(t, map[Task]Window{TaskGeneral: general[TaskGeneral], TaskEncoder: {Mean: 1, Max: 1, Samples: 1}}, windows)

	windows, shares = all.fill(uuid, nil, nil, now.Add(19*time.Second), maxAge)
	require.Equal(t, map[Task]Window{TaskEncoder: {Mean: 1, Max: 1, Samples: 1}}, windows, "the first was reported too long ago")
	require.Equal(t, map[int]ProcessUtilization{}, shares, "watched, and idle")
	windows, _ = all.fill("GPU-2", nil, nil, now, maxAge)
	require.Empty(t, windows, "of another GPU nothing is known")
	windows, _ = all.fill(uuid, nil, nil, now.Add(-time.Hour), maxAge)
	require.Empty(t, windows, "the clock was set back")
}
