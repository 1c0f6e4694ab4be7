//go:build linux && cgo

package nvmldriver

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The version of a driver is two numbers that are not negative, or unknown.
func FuzzParseRelease(f *testing.F) {
	for _, version := range []string{"535.104.05", "575.57", "1", "", "-1.2", "a.b"} {
		f.Add(version)
	}
	f.Fuzz(func(t *testing.T, version string) {
		r := parseRelease(version)
		assert.True(t, r[0] >= 0 && r[1] >= 0)
		assert.Equal(t, r != release{}, r.known())
	})
}
