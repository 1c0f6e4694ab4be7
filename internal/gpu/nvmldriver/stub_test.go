//go:build !linux || !cgo

package nvmldriver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

func TestOtherBuildsSayThatTheyCannot(t *testing.T) {
	_, err := New(Settings{}).Open()
	require.ErrorIs(t, err, gpu.ErrUnsupportedBuild)
}
