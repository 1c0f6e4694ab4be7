//go:build stack

package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// testPint runs pint on the rules with the existing series.
func testPint(t *testing.T, p *prometheus) {
	config, err := os.ReadFile(repository + "/deploy/prometheus/pint.hcl")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pint.hcl"), replace(t, config, "http://127.0.0.1:9090", p.url), 0o600))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "rules"), os.DirFS(repository+"/deploy/prometheus/rules")))
	program, err := filepath.Abs(repository + "/.cache/prometheus/pint")
	require.NoError(t, err)
	pint := exec.CommandContext(t.Context(), program, "--no-color", "--config", "pint.hcl", "lint", "--min-severity", "info", "--fail-on", "info", "rules")
	pint.Dir = dir
	said, err := pint.CombinedOutput()
	require.NoError(t, err, string(said))
}
