package facefusionlogprocessor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// chunk is what file_log sends with encoding nop.
func chunk(at time.Time, path string, offset int, data []byte) plog.Logs {
	logs := plog.NewLogs()
	r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(at))
	r.Body().SetEmptyBytes().FromRaw(data)
	r.Attributes().PutStr("log.file.path", path)
	r.Attributes().PutInt("log.file.record_offset", int64(offset))
	return logs
}

// chunks are a whole stream, cut anywhere.
func chunks(at time.Time, path string, data []byte, size int) []plog.Logs {
	var list []plog.Logs
	for offset := 0; offset < len(data); offset += size {
		list = append(list, chunk(at, path, offset, data[offset:min(offset+size, len(data))]))
	}
	return list
}

// journal is what journald sends for a unit that writes to it: an entry for each line, cut at 48
// KiB.
func journal(at time.Time, pid string, data []byte) []plog.Logs {
	var list []plog.Logs
	for line := range bytes.Lines(data) {
		for len(line) > 0 {
			n := min(len(line), 48<<10)
			part := line[:n]
			line = line[n:]
			logs := plog.NewLogs()
			r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(at))
			m := r.Body().SetEmptyMap()
			m.PutStr("_PID", pid)
			m.PutStr("_STREAM_ID", "s"+pid)
			if part[len(part)-1] != '\n' {
				m.PutStr("_LINE_BREAK", "line-max")
			}
			message := bytes.TrimSuffix(part, []byte("\n"))
			if bytes.ContainsAny(message, "\r\x1b") { // journalctl writes an array of numbers
				s := m.PutEmptySlice("MESSAGE")
				for _, b := range message {
					s.AppendEmpty().SetDouble(float64(b))
				}
			} else {
				m.PutStr("MESSAGE", string(message))
			}
			list = append(list, logs)
		}
	}
	return list
}

// docker is what the container operator makes of Docker's json-file: a text with its newline, cut
// at 16 KiB.
func docker(at time.Time, id string, data []byte) []plog.Logs {
	var list []plog.Logs
	for line := range bytes.Lines(data) {
		for len(line) > 0 {
			n := min(len(line), 16<<10)
			logs := plog.NewLogs()
			r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(at))
			r.Body().SetStr(string(line[:n]))
			r.Attributes().PutStr("log.iostream", "stderr")
			r.Attributes().PutStr("log.file.path", "/var/lib/docker/containers/"+id+"/"+id+"-json.log")
			line = line[n:]
			list = append(list, logs)
		}
	}
	return list
}

func recording(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/logs", name))
	require.NoError(t, err)
	return data
}

// TestAllReadersGiveTheSame plays recordings as each reader sends them.
func TestAllReadersGiveTheSame(t *testing.T) {
	for _, name := range []string{"real/3.8.1-run.stderr", "real/3.8.1-exception.stderr", "real/3.8.1-batch.stderr", "real/ff320-headless.stderr", "recorded/3.0.0-job-run.stderr.log", "real/3.8.1-monitored.stderr"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data := recording(t, name)
			var want []string
			for kind, feed := range map[string]func(time.Time) []plog.Logs{
				"a file":                 func(at time.Time) []plog.Logs { return chunks(at, "/var/log/ff.log", data, 64<<10) },
				"a file in small pieces": func(at time.Time) []plog.Logs { return chunks(at, "/var/log/ff.log", data, 333) },
				"the journal":            func(at time.Time) []plog.Logs { return journal(at, "12", data) },
				"Docker":                 func(at time.Time) []plog.Logs { return docker(at, strings.Repeat("ab", 32), data) },
			} {
				synctest.Test(t, func(t *testing.T) {
					h := newHarness(t, nil)
					for _, logs := range feed(time.Now()) {
						h.consume(t, logs)
					}
					time.Sleep(3 * time.Second)
					got := h.bodies()
					if want == nil {
						want = got
					}
					require.Equal(t, want, got, kind)
					require.NotEmpty(t, got)
				})
			}
		})
	}
}

// TestPiecesInTheWrongOrder: file_log hands over from two goroutines.
func TestPiecesInTheWrongOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		list := chunks(time.Now(), "/x", []byte("one\ntwo\nthree\nfour\nfive\n"), 5)
		for _, i := range []int{0, 2, 1, 4, 3} {
			h.consume(t, list[i])
		}
		time.Sleep(time.Second)
		require.Equal(t, []string{"one", "two", "three", "four", "five"}, h.bodies())
		// One that never comes is waited for no longer than a second.
		h.consume(t, chunk(time.Now(), "/x", 100, []byte("far\n")))
		time.Sleep(2 * time.Second)
		require.Equal(t, "far", h.bodies()[5])
	})
}

// TestRotation: the new file does not continue the last line of the old one.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.consume(t, chunk(time.Now(), "/x", 0, []byte("old, without end")))
		h.consume(t, chunk(time.Now(), "/x", 0, []byte("new\n")))
		time.Sleep(time.Second)
		require.Equal(t, []string{"old, without end", "new"}, h.bodies())
	})
}
