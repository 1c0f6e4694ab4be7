package configcheck

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestOwnPortsThatCollide: an address of all takes a port of each.
func TestOwnPortsThatCollide(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1:9464", "127.0.0.1:9464", true}, {"127.0.0.1:9464", "0.0.0.0:9464", true}, {":9464", "127.0.0.1:9464", true}, {"localhost:9464", "127.0.0.1:9464", true},
		{"[::]:9464", "127.0.0.1:9464", true}, {"127.0.0.1:9464", "127.0.0.1:9465", false}, {"127.0.0.1:9464", "10.0.0.1:9464", false}, {"127.0.0.1:0", "127.0.0.1:0", false},
		{"0.0.0.0:9464", "[::1]:9464", false}, {"[::1]:9464", "[::]:9464", true}, {"agent:9464", "127.0.0.1:9464", false}, {"agent:9464", "agent:9464", true},
	} {
		assert.Equal(t, c.want, ListenAddress{Address: c.a}.collides(ListenAddress{Address: c.b}), "%s %s", c.a, c.b)
	}
}
