package process

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func statLine(comm string) string {
	return "4711 (" + comm + ") S 12 5 6 0 -1 2097152 10 11 12 13 140 150 16 17 20 0 18 0 220 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 17 39 40 41 42 43 44 45 46 47 48 49 50 51 512\n"
}

func TestParseStat(t *testing.T) {
	for _, comm := range []string{"python3.12", "a b", ") S 1 2", "x) (y", "line\nbreak", "((", ""} {
		s, err := parseStat([]byte(statLine(comm)))
		require.NoError(t, err, "%q", comm)
		assert.Equal(t, stat{comm: comm, state: 'S', ppid: 12, kernel: true, user: 140, system: 150, threads: 18, start: 220, resident: 24, exitCode: 512}, s)
	}
}

func TestParseStatOfGarbage(t *testing.T) {
	for _, line := range []string{"", "(", ")", ")(", "1 (x)", "1 (x) S", "1 (x) SS 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22",
		"1 (x) S a 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22"} {
		_, err := parseStat([]byte(line))
		assert.ErrorIs(t, err, errStat, "%q", line)
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte(statLine("python")))
	f.Add([]byte(statLine(") R (")))
	f.Add([]byte("1 () Z"))
	// A state that is no ASCII, and numbers that are negative as signed ones.
	f.Add([]byte("1 (a) \xff 18446744073709551615 5 6 0 -1 0 10 11 12 13 1 1 16 17 20 0 18446744073709551615 0 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseStat(data)
		if err != nil {
			return
		}
		// What was understood is understood again.
		line := fmt.Sprintf("1 (%s) %s %d 5 6 0 -1 %d 10 11 12 13 %d %d 16 17 20 0 %d 0 %d 23 %d", s.comm, []byte{s.state}, uint64(s.ppid),
			map[bool]uint{true: kernelThread}[s.kernel], s.user, s.system, uint64(s.threads), s.start, uint64(s.resident))
		again, err := parseStat([]byte(line))
		s.exitCode = 0
		if err != nil || again != s {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}
