package processprobe

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestHintsOfAUserHideNoOther: of a user with a thousand hints eight are reported; another user's
// is reported as well, and his own again when those are gone for a day.
func TestHintsOfAUserHideNoOther(t *testing.T) {
	l, now, reported := hinted{}, time.Now(), 0
	for n := range 1000 {
		if l.first(process.Hint{UID: 1001, Cmdline: fmt.Sprint("^evil", n)}, now) {
			reported++
		}
	}
	assert.Equal(t, maxUserHinted, reported)
	assert.True(t, l.first(process.Hint{UID: 0, Cmdline: "^honest"}, now))
	assert.False(t, l.first(process.Hint{UID: 0, Cmdline: "^honest"}, now), "once")
	now = now.Add(hintForgotten + time.Hour)
	l.forget(now)
	assert.Empty(t, l)
	assert.True(t, l.first(process.Hint{UID: 1001, Cmdline: "^mine"}, now))
}
