//go:build install

package install

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRPM is the life of the rpm. The machine is a Debian all the same: its rpm knows of none of
// the packages that are required.
func TestRPM(t *testing.T) {
	m := boot(t, packages)

	m.run(t, "rpm --install --nodeps /packages/old/*.rpm")
	m.run(t, "systemctl start otelcol-facefusion")
	m.waitPage(t, patience, `facefusion_process_up{`)
	m.run(t, "rpm --verify --nodeps otelcol-facefusion")
	m.write(t, agentConfig, m.read(t, agentConfig)+"# changed by hand\n")
	pid := m.property(t, "MainPID")

	m.run(t, "rpm --upgrade --nodeps /packages/new/*.rpm")
	m.waitPage(t, patience, `facefusion_process_up{`)
	assert.NotEqual(t, pid, m.property(t, "MainPID"), "the old program still runs")
	assert.Contains(t, m.read(t, agentConfig), "# changed by hand")
	assert.FileExists(t, filepath.Join(m.root, agentConfig+".rpmnew"), "what the new version would have, beside it")

	m.run(t, "rpm --erase otelcol-facefusion")
	assert.Equal(t, "inactive", m.try("systemctl is-active otelcol-facefusion"))
	require.NoFileExists(t, filepath.Join(m.root, "/usr/bin/otelcol-facefusion"))
	assert.FileExists(t, filepath.Join(m.root, agentConfig+".rpmsave"))
}
