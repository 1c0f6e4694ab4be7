package recordlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func set(t *testing.T, l *Journal, pairs ...string) {
	t.Helper()
	var changes []Operation
	for i := 0; i < len(pairs); i += 2 {
		changes = append(changes, Operation{pairs[i], []byte(pairs[i+1])})
	}
	require.NoError(t, l.Apply(changes))
}

// die is a process that is killed: nothing is written any more, and its lock is gone.
func (l *Journal) die() {
	for _, s := range l.segments {
		s.file.Close()
	}
	if l.folder != nil {
		l.folder.Close()
	}
}

// size of the files in a folder.
func size(t *testing.T, dir string) (total int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		total += info.Size()
	}
	return total
}

func TestValuesOutliveTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l := Open(dir, Options{Sync: true})
	require.NoError(t, l.Status().Err)
	assert.Nil(t, l.Get("a"))
	set(t, l, "a", "1", "b", "2", "empty", "")
	set(t, l, "a", "3")
	require.NoError(t, l.Apply([]Operation{{"b", nil}, {"c", []byte("4")}}))
	l.die()
	for range 2 {
		l = Open(dir, Options{})
		assert.Equal(t, JournalStatus{Bytes: size(t, dir)}, l.Status())
		for key, want := range map[string][]byte{"a": []byte("3"), "b": nil, "c": []byte("4"), "empty": {}} {
			assert.Equal(t, want, l.Get(key), key)
		}
		require.NoError(t, l.Close())
		require.NoError(t, l.Close())
	}
	require.ErrorIs(t, l.Apply([]Operation{{"a", nil}}), ErrClosed)
}

// TestAnOutageGivesItsSpaceBack: 200 MB wait and are sent; what is left is two files, and the value
// that was written before them.
func TestAnOutageGivesItsSpaceBack(t *testing.T) {
	dir := t.TempDir()
	l := Open(dir, Options{})
	set(t, l, "jobs", "kept")
	item := bytes.Repeat([]byte("x"), 400<<10)
	key := func(i int) string { return fmt.Sprint("item ", i) }
	for i := range 500 {
		require.NoError(t, l.Apply([]Operation{{key(i), item}, {"metadata", []byte(fmt.Sprint(i))}}))
	}
	require.Greater(t, size(t, dir), int64(190<<20))
	for i := range 500 {
		require.Len(t, l.Get(key(i)), len(item))
		require.NoError(t, l.Apply([]Operation{{key(i), nil}, {"metadata", []byte(fmt.Sprint(i))}}))
	}
	assert.Less(t, size(t, dir), int64(slack+segmentSize))
	require.NoError(t, l.Close())
	l = Open(dir, Options{})
	assert.Equal(t, "kept", string(l.Get("jobs")))
	assert.Equal(t, "499", string(l.Get("metadata")))
	assert.Nil(t, l.Get(key(7)))
	require.NoError(t, l.Close())
}

// TestADiskThatTakesNoWrites: what was set is there, within a bound, and is written when it does.
func TestADiskThatTakesNoWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.WriteFile(dir, nil, 0o600)) // not a folder
	l := Open(dir, Options{MaxMemory: 1000})
	require.ErrorIs(t, l.Status().Err, unix.ENOTDIR)
	set(t, l, "a", "1")
	assert.Equal(t, "1", string(l.Get("a")))
	require.ErrorIs(t, l.Apply([]Operation{{"big", make([]byte, 1000)}}), ErrFull)
	assert.Nil(t, l.Get("big"))
	set(t, l, "a", "2", "b", "3")
	require.NoError(t, l.Apply([]Operation{{"b", nil}}))
	assert.Equal(t, int64(3), l.Status().Pending, "the key a, its value, and the key b that is deleted")

	require.NoError(t, os.Remove(dir))
	l.failedAt = time.Time{}
	require.NoError(t, l.Apply([]Operation{{"big", make([]byte, 1000)}}))
	assert.Equal(t, JournalStatus{Bytes: size(t, dir)}, l.Status())
	require.NoError(t, l.Close())
	l = Open(dir, Options{})
	assert.Equal(t, "2", string(l.Get("a")))
	assert.Len(t, l.Get("big"), 1000)
	require.NoError(t, l.Close())
}

func TestTwoProcessesDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	first, second := Open(dir, Options{}), Open(dir, Options{})
	require.ErrorIs(t, second.Status().Err, ErrInUse)
	set(t, second, "a", "mine")
	set(t, first, "a", "theirs")
	assert.Equal(t, "mine", string(second.Get("a")))
	require.NoError(t, first.Close())
	second.failedAt = time.Time{}
	set(t, second, "b", "1")
	require.NoError(t, second.Status().Err)
	require.NoError(t, second.Close())
}

// damages are what may happen to a file.
var damages = map[string]func(t *testing.T, path string, r *rand.Rand){
	"empty": func(t *testing.T, path string, _ *rand.Rand) { require.NoError(t, os.Truncate(path, 0)) },
	"cut": func(t *testing.T, path string, r *rand.Rand) {
		require.NoError(t, os.Truncate(path, r.Int64N(fileSize(t, path))))
	},
	"longer": func(t *testing.T, path string, r *rand.Rand) {
		require.NoError(t, os.Truncate(path, fileSize(t, path)+r.Int64N(1<<20)))
	},
	"first page": func(t *testing.T, path string, _ *rand.Rand) { overwrite(t, path, 0, make([]byte, 4096)) },
	"a page": func(t *testing.T, path string, r *rand.Rand) {
		overwrite(t, path, r.Int64N(fileSize(t, path)), make([]byte, 4096))
	},
	"noise": func(t *testing.T, path string, r *rand.Rand) {
		overwrite(t, path, r.Int64N(fileSize(t, path)), noise(r, 4096))
	},
	"noise in head": func(t *testing.T, path string, r *rand.Rand) { overwrite(t, path, 0, noise(r, 64)) },
	"a bit": func(t *testing.T, path string, r *rand.Rand) {
		at := r.Int64N(fileSize(t, path))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[at] ^= 1 << r.IntN(8)
		require.NoError(t, os.WriteFile(path, data, 0o600))
	},
	"a part moved": func(t *testing.T, path string, r *rand.Rand) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		from, to := r.IntN(len(data)), r.IntN(len(data))
		copy(data[to:], slices.Clone(data[from:min(len(data), from+8192)]))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	},
	"removed": func(t *testing.T, path string, _ *rand.Rand) { require.NoError(t, os.Remove(path)) },
	"a folder": func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
	},
	"a FIFO": func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, unix.Mkfifo(path, 0o600))
	},
	"a link to itself": func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Symlink(path, path))
	},
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return max(info.Size(), 1)
}

func noise(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func overwrite(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.WriteAt(data, at)
	require.NoError(t, err)
}

// TestADamagedLogOpens: whatever happens to its files, a value is one that it once had, or absent;
// and it takes new ones, which the next process finds.
func TestADamagedLogOpens(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 7))
				dir := t.TempDir()
				had := map[string][]string{}
				l := Open(dir, Options{})
				for i := range 400 {
					key := fmt.Sprint("key ", r.IntN(200))
					value := fmt.Sprintf("%d %s", i, bytes.Repeat([]byte("v"), r.IntN(100_000)))
					had[key] = append(had[key], value)
					set(t, l, key, value)
					if i%7 == 0 {
						require.NoError(t, l.Apply([]Operation{{fmt.Sprint("key ", r.IntN(200)), nil}}))
					}
				}
				l.die()
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Greater(t, len(entries), 1)
				damage(t, filepath.Join(dir, entries[r.IntN(len(entries))].Name()), r)

				l = Open(dir, Options{})
				require.NoError(t, l.Status().Err)
				for i := range 200 {
					key := fmt.Sprint("key ", i)
					if value := l.Get(key); value != nil {
						require.Contains(t, had[key], string(value))
					}
				}
				set(t, l, "new", fmt.Sprint(seed))
				require.NoError(t, l.Status().Err)
				l.die()
				l = Open(dir, Options{})
				require.Equal(t, fmt.Sprint(seed), string(l.Get("new")))
				require.NoError(t, l.Close())
			}
		})
	}
}

// TestWhatLiesBehindDamageIsFound: a damaged frame costs its own values and no others.
func TestWhatLiesBehindDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	l := Open(dir, Options{})
	for i := range 10 {
		set(t, l, fmt.Sprint(i), fmt.Sprint("value ", i))
	}
	third := l.index["3"]
	l.die()
	overwrite(t, third.segment.path, third.offset-20, noise(rand.New(rand.NewPCG(1, 2)), 22))
	l = Open(dir, Options{})
	assert.Equal(t, 1, l.Status().Damaged)
	for i := range 10 {
		if i != 3 {
			assert.Equal(t, fmt.Sprint("value ", i), string(l.Get(fmt.Sprint(i))))
		}
	}
	assert.Nil(t, l.Get("3"))
	require.NoError(t, l.Close())
}

// TestRandomWorkIsWhatItWas compares a log with a map, over many processes.
func TestRandomWorkIsWhatItWas(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	dir, want := t.TempDir(), map[string]string{}
	l := Open(dir, Options{})
	for i := range 4000 {
		key := fmt.Sprint(r.IntN(100))
		if r.IntN(4) == 0 {
			delete(want, key)
			require.NoError(t, l.Apply([]Operation{{key, nil}}))
		} else {
			want[key] = fmt.Sprintf("%d %s", i, bytes.Repeat([]byte("v"), r.IntN(40_000)))
			set(t, l, key, want[key])
		}
		if i%500 == 499 {
			if i%1000 == 999 {
				l.die()
			} else {
				require.NoError(t, l.Close())
			}
			l = Open(dir, Options{})
			for i := range 100 {
				key := fmt.Sprint(i)
				require.Equal(t, want[key], string(l.Get(key)))
			}
			require.Zero(t, l.Status().Damaged)
		}
	}
	require.Less(t, size(t, dir), int64(4*segmentSize))
	require.NoError(t, l.Close())
}

// TestAllOrNothing: where values belong together, one that is damaged takes the others with it.
func TestAllOrNothing(t *testing.T) {
	for what, at := range map[string]int64{"a frame": -20, "a value": 1} {
		dir := t.TempDir()
		l := Open(dir, Options{})
		set(t, l, "1", "value 1")
		set(t, l, "2", "value 2")
		set(t, l, "3", "value 3")
		second := l.index["2"]
		l.die()
		overwrite(t, second.segment.path, second.offset+at, []byte{7})
		l = Open(dir, Options{AllOrNothing: true})
		assert.Equal(t, 1, l.Status().Damaged, what)
		for _, key := range []string{"1", "2", "3"} {
			assert.Nil(t, l.Get(key), what)
		}
		set(t, l, "2", "new")
		require.NoError(t, l.Close())
		l = Open(dir, Options{AllOrNothing: true})
		assert.Zero(t, l.Status().Damaged, what)
		assert.Equal(t, "new", string(l.Get("2")))
		assert.Nil(t, l.Get("1"))
		require.NoError(t, l.Close())
	}
}
