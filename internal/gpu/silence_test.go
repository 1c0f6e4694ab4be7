package gpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
)

// A driver that does not answer counts as a `timeout` among the failures of the probe, not as
// `other`.
func TestSilenceIsATimeout(t *testing.T) {
	for _, err := range []error{errWedged, errNoAnswer, ErrTimeout} {
		require.Equal(t, poll.Timeout, poll.KindOf(fmt.Errorf("gpu 0: %w", err)), err)
	}
	require.Equal(t, poll.Other, poll.KindOf(ErrUnknown))
}
