//go:build linux && cgo

package nvmldriver

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

// aloneEnv is set in the process of an isolated test. Its value is the folder of the library.
const aloneEnv = "NVMLDRIVER_ALONE"

// harness is a fake library in a process of its own, because the first library in a process is
// never unloaded.
type harness struct {
	*testing.T
	dir     string
	library string
	control fakenvml.Control
}

// runIsolated runs a test in a new process of the test binary. A call to a missing symbol ends that
// process, which fails the test.
func runIsolated(t *testing.T, act func(s *harness), variants ...fakenvml.Variant) {
	t.Helper()
	if dir := os.Getenv(aloneEnv); dir != "" {
		act(&harness{T: t, dir: dir, library: filepath.Join(dir, fakenvml.Name), control: fakenvml.Control(filepath.Join(dir, "control"))})
		return
	}
	t.Parallel()
	dir := t.TempDir()
	_, err := fakenvml.Build(dir, variants...)
	require.NoError(t, err)
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(),
		aloneEnv+"="+dir,
		fakenvml.ControlEnv+"="+filepath.Join(dir, "control"),
		fakenvml.LogEnv+"="+filepath.Join(dir, "log"),
		"LD_LIBRARY_PATH="+dir,
		// Otherwise the race detector sleeps for a second before the process ends.
		"GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "%s", out)
}

func (s *harness) set(lines ...string) { require.NoError(s, s.control.Set(lines...)) }

// calls returns how often a function of the library was called so far.
func (s *harness) calls(function string) (n int) {
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	require.NoError(s, err)
	for line := range strings.Lines(string(log)) {
		if strings.Fields(line)[0] == function {
			n++
		}
	}
	return n
}

func (s *harness) driver() *Driver { return New(Settings{LibraryPath: s.library}) }

// open returns a session that is closed after the test.
func (s *harness) open() gpu.Session {
	session, err := s.driver().Open()
	require.NoError(s, err)
	s.Cleanup(func() { require.NoError(s, session.Close()) })
	return session
}

// sampler returns a sampler that is closed after the test. The test calls Observe itself.
func (s *harness) sampler(deadline time.Duration) *gpu.Sampler {
	sampler := gpu.NewSampler(gpu.Settings{Driver: s.driver(), Deadline: deadline, SampleInterval: time.Nanosecond})
	s.Cleanup(func() { require.NoError(s, sampler.Close(context.Background())) })
	return sampler
}

// until calls Observe until a condition holds.
func (s *harness) until(sampler *gpu.Sampler, so func(*gpu.Snapshot) bool) *gpu.Snapshot {
	require.Eventually(s, func() bool {
		_ = sampler.Observe(context.Background())
		return so(sampler.Latest())
	}, 20*time.Second, 10*time.Millisecond)
	return sampler.Latest()
}
