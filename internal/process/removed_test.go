package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestCheckoutIsReplacedUnderARunningProcess: a real process whose working directory was removed is
// found by a collector that starts afterwards, in the checkout that took its place, and also where
// none did.
func TestCheckoutIsReplacedUnderARunningProcess(t *testing.T) {
	layOut := func(checkout, version string) {
		require.NoError(t, os.MkdirAll(filepath.Join(checkout, "facefusion"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(checkout, "facefusion/metadata.py"), []byte("METADATA = {'name': 'FaceFusion', 'version': '"+version+"'}\n"), 0o644))
		for _, script := range []string{"facefusion.py", "service.py"} {
			require.NoError(t, os.WriteFile(filepath.Join(checkout, script), []byte("import sys\nprint('ready', flush=True)\nsys.stdin.read()\n"), 0o644))
		}
	}
	for name, c := range map[string]struct {
		argv     []string
		replaced bool
		want     string
	}{
		"replaced":             {[]string{"facefusion.py", "run"}, true, "3.8.1"},
		"a service":            {[]string{"service.py"}, true, "3.8.1"},
		"removed, and no more": {[]string{"facefusion.py", "run"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			checkout := filepath.Join(t.TempDir(), "facefusion")
			layOut(checkout, "3.5.0")
			cmd := exec.Command(python, c.argv...)
			cmd.Dir = checkout
			input, err := cmd.StdinPipe()
			require.NoError(t, err)
			output, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { input.Close(); cmd.Wait() })
			_, err = output.Read(make([]byte, 16))
			require.NoError(t, err)
			require.NoError(t, os.RemoveAll(checkout))
			if c.replaced {
				layOut(checkout, "3.8.1")
			}
			table := process.NewTable(process.Settings{})
			t.Cleanup(func() { require.NoError(t, table.Close()) })
			s, err := table.Observe(t.Context())
			require.NoError(t, err)
			var found *process.Instance
			for i := range s.Instances {
				for _, p := range s.Instances[i].Processes {
					if p.PID == cmd.Process.Pid {
						found = &s.Instances[i]
					}
				}
			}
			require.NotNil(t, found)
			assert.Equal(t, checkout, found.Checkout)
			assert.Equal(t, c.want, found.Version)
		})
	}
}
