//go:build linux && cgo

package nvmldriver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// The older call for memory includes reserved memory in used. The newer one returns
// INVALID_ARGUMENT for three seconds: the meaning of used memory must not change because of that.
func TestMemoryKeepsItsMeaning(t *testing.T) {
	runIsolated(t, func(s *harness) {
		session := s.open()
		memory := func() (gpu.Memory, error) {
			h, err := session.Handle(0)
			require.NoError(s, err)
			_, err = h.Identity()
			require.NoError(s, err)
			return h.Memory()
		}
		want, err := memory()
		require.NoError(s, err)
		for _, code := range []string{"2", "3", "25"} {
			s.set("gpu.0.rc.memory_v2 " + code)
			_, err = memory()
			require.Error(s, err, "nothing, rather than something else")
		}
		s.set()
		got, err := memory()
		require.NoError(s, err)
		require.Equal(s, want, got)
		// A new session keeps this, too.
		require.NoError(s, session.Close())
		session = s.open()
		s.set("gpu.0.rc.memory_v2 2")
		_, err = memory()
		require.Error(s, err)
	})
}

// On a driver that supports only the older call, the newer one is retried with backoff.
func TestMemoryOfADriverThatRefusesTheNewerCall(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.rc.memory_v2 25", "gpu.0.memory.reserved 1000000")
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		_, err = h.Identity()
		require.NoError(s, err)
		for range 10 {
			m, err := h.Memory()
			require.NoError(s, err)
			require.Equal(s, uint64(3<<30+1000000), m.Used)
		}
		require.Equal(s, 1, s.calls("nvmlDeviceGetMemoryInfo_v2"))
	})
}

func TestRefusalsAreNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r refusal
		require.True(t, r.due())
		asked := 0
		for range 3600 {
			if r.due() {
				r.refuse()
				asked++
			}
			time.Sleep(time.Second)
		}
		require.Greater(t, asked, 8)
		require.Less(t, asked, 15)
	})
}

// While MIG mode is on, lists of processes are refused; afterwards they are read at once.
func TestRefusalsEndWhenMIGIsSwitched(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.mig 1", "gpu.0.compute unsupported", "gpu.0.graphics unsupported", "gpu.0.mps unsupported", "gpu.0.gpm 0")
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		mig, err := h.MIG()
		require.NoError(s, err)
		require.True(s, mig.Enabled)
		require.Len(s, mig.Devices, 1)
		_, err = h.Contexts()
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		_, err = h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		s.set("gpu.0.compute 11:100", "gpu.0.gpm 1")
		_, err = h.Contexts()
		require.ErrorIs(s, err, gpu.ErrNotSupported, "not yet asked again")
		_, err = h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotSupported, "nor this")
		mig, err = h.MIG()
		require.NoError(s, err)
		require.Equal(s, gpu.MIG{}, mig)
		contexts, err := h.Contexts()
		require.NoError(s, err)
		require.Equal(s, []gpu.Context{{PID: 11, Memory: 100}}, contexts)
		_, err = h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotFound, "the first of two samples")
	})
}

// If a library reports 2^32-1 MIG devices, 32 indexes are tried.
func TestTheNumberOfMIGDevicesHasABound(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.mig 1", "gpu.0.mig.max 4294967295")
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		mig, err := h.MIG()
		require.NoError(s, err)
		require.Len(s, mig.Devices, 1)
		require.LessOrEqual(s, s.calls("nvmlDeviceGetMigDeviceHandleByIndex"), 32)
	})
}
