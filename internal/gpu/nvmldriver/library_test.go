//go:build linux && cgo

package nvmldriver

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

func TestInitFailsThenSucceeds(t *testing.T) {
	runIsolated(t, func(s *harness) {
		for code, want := range map[string]error{"9": gpu.ErrDriverNotLoaded, "18": gpu.ErrRestartRequired, "4": gpu.ErrNoPermission, "12": gpu.ErrLibraryNotFound} {
			s.set("init " + code)
			_, err := s.driver().Open()
			require.ErrorIs(s, err, want)
		}
		s.set("init 999")
		_, err := s.driver().Open()
		require.EqualError(s, err, "nvml Init: unknown error")
		s.set()
		count, err := s.open().Count()
		require.NoError(s, err)
		require.Equal(s, 2, count)
		require.Zero(s, s.calls("nvmlErrorString"))
	})
}

func TestLibraryAppearsLater(t *testing.T) {
	runIsolated(t, func(s *harness) {
		hidden := s.library + ".hidden"
		require.NoError(s, os.Rename(s.library, hidden))
		_, err := s.driver().Open()
		require.ErrorIs(s, err, gpu.ErrLibraryNotFound)
		require.ErrorContains(s, err, s.library)
		require.NoError(s, os.Rename(hidden, s.library))
		count, err := s.open().Count()
		require.NoError(s, err)
		require.Equal(s, 2, count)
	})
}

func TestFileThatIsNoDriverLibrary(t *testing.T) {
	runIsolated(t, func(s *harness) {
		_, err := s.driver().Open()
		require.ErrorContains(s, err, "not a driver library")
		text := filepath.Join(s.dir, "text")
		require.NoError(s, os.WriteFile(text, []byte("text"), 0o600))
		_, err = New(Settings{LibraryPath: text}).Open()
		require.ErrorContains(s, err, "file too short")
		require.NotErrorIs(s, err, gpu.ErrLibraryNotFound)

		// Neither stayed loaded.
		right, err := fakenvml.Build(s.TempDir())
		require.NoError(s, err)
		session, err := New(Settings{LibraryPath: right}).Open()
		require.NoError(s, err)
		require.NoError(s, session.Close())
	}, fakenvml.WithoutInit)
}

func TestSearch(t *testing.T) {
	t.Run("dynamic linker", func(t *testing.T) {
		runIsolated(t, func(s *harness) {
			session, err := New(Settings{}).Open()
			require.NoError(s, err)
			require.Equal(s, "999.42.01", session.Versions().Driver)
			require.NoError(s, session.Close())
		})
	})
	t.Run("elsewhere", func(t *testing.T) {
		runIsolated(t, func(s *harness) {
			process.name, process.fallbackFolders = "libnvidia-ml-elsewhere.so.1", []string{"/nowhere", s.dir}
			_, err := New(Settings{}).Open()
			require.ErrorIs(s, err, gpu.ErrLibraryNotFound)
			require.NoError(s, os.Rename(s.library, filepath.Join(s.dir, process.name)))
			session, err := New(Settings{}).Open()
			require.NoError(s, err)
			require.NoError(s, session.Close())
		})
	})
}

func TestFirstLibraryStays(t *testing.T) {
	runIsolated(t, func(s *harness) {
		other, err := fakenvml.Build(s.TempDir())
		require.NoError(s, err)
		s.open()
		_, err = New(Settings{LibraryPath: other}).Open()
		require.ErrorIs(s, err, gpu.ErrRestartRequired)
		require.ErrorContains(s, err, "this process has loaded "+s.library)
		any, err := New(Settings{}).Open()
		require.NoError(s, err)
		require.NoError(s, any.Close())
	})
}

func TestOpenAndCloseManyTimes(t *testing.T) {
	runIsolated(t, func(s *harness) {
		for i := range 100 {
			session, err := s.driver().Open()
			require.NoError(s, err)
			h, err := session.Handle(1)
			require.NoError(s, err)
			_, err = h.Power()
			require.NoError(s, err)
			require.NoError(s, session.Close())
			require.NoError(s, session.Close(), "twice")
			require.Equal(s, i+1, s.calls("nvmlShutdown"))
		}
		require.Equal(s, 100, s.calls("nvmlInit_v2"))
		open, err := os.ReadDir("/proc/self/fd")
		require.NoError(s, err)
		require.Less(s, len(open), 50)
	})
}

func TestSessionsShareOneLibrary(t *testing.T) {
	runIsolated(t, func(s *harness) {
		first := s.open()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					session, err := s.driver().Open()
					if err != nil {
						s.Error(err)
						return
					}
					h, err := session.Handle(0)
					if err != nil {
						s.Error(err)
						return
					}
					if celsius, err := h.Temperature(); err != nil || celsius != 61 {
						s.Errorf("%d, %v", celsius, err)
					}
					if err := session.Close(); err != nil {
						s.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(s, 1, s.calls("nvmlInit_v2"))
		require.Zero(s, s.calls("nvmlShutdown"))
		count, err := first.Count()
		require.NoError(s, err)
		require.Equal(s, 2, count)
	})
}

func TestNothingIsCalledAfterClose(t *testing.T) {
	runIsolated(t, func(s *harness) {
		session, err := s.driver().Open()
		require.NoError(s, err)
		h, err := session.Handle(0)
		require.NoError(s, err)
		require.NoError(s, session.Close())
		_, err = session.Count()
		require.ErrorIs(s, err, gpu.ErrUninitialized)
		_, err = session.Handle(0)
		require.ErrorIs(s, err, gpu.ErrUninitialized)
		_, err = h.Identity()
		require.ErrorIs(s, err, gpu.ErrUninitialized)
		_, err = h.Memory()
		require.ErrorIs(s, err, gpu.ErrUninitialized)
		require.Equal(s, gpu.Versions{}, session.Versions())
		require.Zero(s, s.calls("nvmlDeviceGetUUID"))
	})
}

// Another session keeps the library initialized while the driver changes.
func TestOpenBesideASessionThatHasDied(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.open()
		s.set("rc 9")
		_, err := s.driver().Open()
		require.ErrorIs(s, err, gpu.ErrDriverNotLoaded)
		s.set("rc 1")
		session, err := s.driver().Open()
		require.NoError(s, err)
		require.Equal(s, 2, s.calls("nvmlInit_v2"), "initialized again")
		s.set()
		count, err := session.Count()
		require.NoError(s, err)
		require.Equal(s, 2, count)
		require.NoError(s, session.Close())
	})
}
