package container

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzNames: whatever a runtime keeps, a name is one that a label may bear.
func FuzzNames(f *testing.F) {
	f.Add([]byte(`{"Name":"/ff","Config":{"Image":"facefusion:3.8"}}`), "a")
	f.Add([]byte(`[{"id":"a","names":["ff"],"metadata":"{\"image-name\":\"facefusion\"}"}]`), "a")
	f.Fuzz(func(t *testing.T, text []byte, id string) {
		var docker, podman Names
		docker.ReadDocker(text)
		podman.ReadPodman(text, id)
		for _, n := range []Names{docker, podman} {
			assert.Equal(t, Label(n.Name), n.Name)
			assert.Equal(t, Label(n.Image), n.Image)
		}
	})
}

// FuzzParseNetwork: the loopback counts for nothing, and another interface for what it says.
func FuzzParseNetwork(f *testing.F) {
	f.Add([]byte("Inter-| Receive\n face |bytes\n  eth0: 10 0 0 0 0 0 0 0 20 0 0 0 0 0 0 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		before := ParseNetwork(text)
		assert.True(t, before.ReceivedBytes.Known && before.SentBytes.Known)
		if n := len(text); n > 0 && text[n-1] != '\n' {
			text = append(text, '\n')
		}
		text = append(text, "    lo: 7 0 0 0 0 0 0 0 7 0\n  eth9: 3 0 0 0 0 0 0 0 4 0\n"...)
		after := ParseNetwork(text)
		assert.Equal(t, before.ReceivedBytes.V+3, after.ReceivedBytes.V)
		assert.Equal(t, before.SentBytes.V+4, after.SentBytes.V)
	})
}

// FuzzParsePressure: the last line of a kind is what counts, and no other line.
func FuzzParsePressure(f *testing.F) {
	f.Add([]byte("some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=45\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		before := parsePressure(text)
		if n := len(text); n > 0 && text[n-1] != '\n' {
			text = append(text, '\n')
		}
		after := parsePressure(append(text, "some avg10=0.00 total=2000000\n"...))
		assert.True(t, after.Some.Known)
		assert.InDelta(t, 2, after.Some.V, 0)
		assert.Equal(t, before.Full, after.Full)
	})
}
