package hostfs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzParseMounts: a table is understood as a whole or not at all, and a path is found below the
// mount that covers it.
func FuzzParseMounts(f *testing.F) {
	f.Add("36 35 98:0 / / rw,noatime - ext4 /dev/root rw\n37 36 0:3 /a\\040b /mnt shared:1 - overlay overlay rw,upperdir=/u\\134p\n")
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := parseMounts([]byte(text))
		if err != nil {
			require.ErrorIs(t, err, errMounts)
			assert.Nil(t, mounts)
			return
		}
		assert.Len(t, mounts, strings.Count(text, "\n")+min(1, len(text)-strings.LastIndexByte(text, '\n')-1))
		for _, m := range mounts {
			assert.NotEmpty(t, m.Device)
			assert.NotEmpty(t, m.Type)
		}
		if m, inner, ok := Covering(mounts, "/mnt/facefusion/.jobs"); ok {
			again, under := Below("/mnt/facefusion/.jobs", m.Point)
			assert.True(t, under)
			assert.Equal(t, again, inner)
		}
	})
}
