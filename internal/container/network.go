package container

import (
	"bytes"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Network is what went through the interfaces of a network namespace, but for the loopback.
type Network struct{ ReceivedBytes, SentBytes reading.Value[int64] }

// The columns of /proc/<pid>/net/dev after the name: bytes received first, bytes sent ninth.
const (
	columnReceived = 0
	columnSent     = 8
)

// ParseNetwork reads /proc/<pid>/net/dev: two lines of heading, then "eth0: 1 2 …" for each
// interface.
func ParseNetwork(text []byte) Network {
	n := Network{ReceivedBytes: reading.Known[int64](0), SentBytes: reading.Known[int64](0)}
	for line := range bytes.Lines(text) {
		name, rest, ok := bytes.Cut(line, []byte(":"))
		columns := bytes.Fields(rest)
		if !ok || len(columns) <= columnSent || string(bytes.TrimSpace(name)) == "lo" {
			continue
		}
		n.ReceivedBytes.V += parseNumber(columns[columnReceived]).V
		n.SentBytes.V += parseNumber(columns[columnSent]).V
	}
	return n
}
