//go:build linux && cgo

package nvmldriver

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"
)

func TestNumberReadsTheMemberThatTheTypeNames(t *testing.T) {
	// A union whose unused bytes are not zero.
	union := func(put func([]byte)) (u [8]byte) {
		binary.NativeEndian.PutUint64(u[:], 0xa5a5a5a5a5a5a5a5)
		put(u[:])
		return u
	}
	for _, c := range []struct {
		valueType nvml.ValueType
		put       func([]byte)
		want      float64
	}{
		{nvml.VALUE_TYPE_DOUBLE, func(b []byte) { binary.NativeEndian.PutUint64(b, math.Float64bits(12.5)) }, 12.5},
		{nvml.VALUE_TYPE_UNSIGNED_INT, func(b []byte) { binary.NativeEndian.PutUint32(b, 13) }, 13},
		{nvml.VALUE_TYPE_UNSIGNED_LONG, func(b []byte) { binary.NativeEndian.PutUint64(b, 14) }, 14},
		{nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, func(b []byte) { binary.NativeEndian.PutUint64(b, 15) }, 15},
		{nvml.VALUE_TYPE_SIGNED_LONG_LONG, func(b []byte) { binary.NativeEndian.PutUint64(b, math.MaxUint64) }, -1},
		{nvml.VALUE_TYPE_SIGNED_INT, func(b []byte) { binary.NativeEndian.PutUint32(b, math.MaxUint32) }, -1},
		{nvml.VALUE_TYPE_UNSIGNED_SHORT, func(b []byte) { binary.NativeEndian.PutUint16(b, 18) }, 18},
	} {
		require.Equal(t, c.want, floatValue(c.valueType, union(c.put)), "type %d", c.valueType)
	}
	require.True(t, math.IsNaN(floatValue(nvml.VALUE_TYPE_COUNT, [8]byte{})))
}
