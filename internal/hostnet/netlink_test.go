package hostnet

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestInterruptedDumpIsRepeatedOnce(t *testing.T) {
	done := make([]byte, unix.SizeofNlMsghdr)
	binary.NativeEndian.PutUint32(done, unix.SizeofNlMsghdr)
	binary.NativeEndian.PutUint16(done[4:], unix.NLMSG_DONE)
	whole, err := parse(done, nil)
	require.NoError(t, err)
	require.True(t, whole)
	binary.NativeEndian.PutUint16(done[6:], unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR)
	_, interrupted := parse(done, nil)
	require.ErrorIs(t, interrupted, errInterrupted)

	for name, c := range map[string]struct {
		answers []error
		want    error
	}{
		"whole":     {answers: []error{nil}},
		"once":      {answers: []error{interrupted, nil}},
		"again":     {answers: []error{interrupted, interrupted}, want: errInterrupted},
		"otherwise": {answers: []error{unix.EPERM}, want: unix.EPERM},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			packets, err := uninterrupted(func() ([][]byte, error) {
				asked++
				return [][]byte{done}, c.answers[asked-1]
			})
			require.ErrorIs(t, err, c.want)
			assert.Len(t, c.answers, asked)
			assert.Equal(t, err == nil, len(packets) == 1)
		})
	}
}
