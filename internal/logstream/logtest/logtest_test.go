package logtest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRead(t *testing.T) {
	truth := Read([]byte("[FACEFUSION.CORE] processing step 1 of 1\n\ranalysing:   0%|          | 0/5 [00:00<?, ?frame/s]\ranalysing: 100%|==========| 5/5 [00:02<00:00,  2.50frame/s, rate=0]\n" +
		"\ranalysing:   0%|          | 0/5 [00:00<?, ?frame/s]\ranalysing:  40%|====      | 2/5 [00:01<00:00,  2.00frame/s, rate=0]\n"))
	require.Equal(t, int64(7), truth.Frames["analysing"])
	require.InDelta(t, 3, truth.Seconds["analysing"], 1e-9)
	require.Equal(t, 1, truth.Messages)
}

// TestWritesAreTheStream: all of it is written, and takes as long as its bars say.
func TestWritesAreTheStream(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/logs/*/*.stderr*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var all []byte
		var took time.Duration
		for _, w := range Writes(data) {
			all = append(all, w.Data...)
			took += w.After
		}
		require.Equal(t, data, all, file)
		want := 0.0
		for _, seconds := range Read(data).Seconds {
			want += seconds
		}
		bars := float64(len(Read(data).Seconds) + 20)
		require.InDelta(t, want, took.Seconds(), bars, file) // whole seconds of each bar
	}
}

func TestDockerWritesAsDockerDoes(t *testing.T) {
	var out bytes.Buffer
	d := &Docker{To: &out}
	text := "line\n" + string(bytes.Repeat([]byte("\rx"), 10<<10)) + "\nopen"
	for _, b := range []byte(text) {
		_, err := d.Write([]byte{b})
		require.NoError(t, err)
	}
	require.NoError(t, d.Close())
	var logs []string
	decoder := json.NewDecoder(&out)
	for decoder.More() {
		var document struct{ Log, Stream, Time string }
		require.NoError(t, decoder.Decode(&document))
		require.Equal(t, "stderr", document.Stream)
		logs = append(logs, document.Log)
	}
	require.Len(t, logs, 4)
	require.Len(t, logs[1], dockerPart)
	require.Equal(t, "open", logs[3])
	var whole string
	for _, log := range logs {
		whole += log
	}
	require.Equal(t, text, whole)
}
