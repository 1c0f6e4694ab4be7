//go:build install

package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// packages is what `make e2e-install` has built.
	packages    = "../../dist/install"
	dropIns     = "/etc/systemd/system/otelcol-facefusion.service.d"
	shipped     = "/usr/share/doc/otelcol-facefusion/drop-ins/"
	stateFolder = "/var/lib/otelcol-facefusion"
)

// What a page says of a FaceFusion of which everything is seen: its version and jobs are files that
// only its user reads, its server a socket of his.
var everything = []string{`facefusion_process_up{`, `service_version="3.8.1"`, `facefusion_server_state="ready"`, `facefusion_job_count{`}

// TestDeb is the life of the deb on one host, from the first installation to the purge.
func TestDeb(t *testing.T) {
	m := boot(t, packages)

	began := time.Now()
	m.run(t, installOld)
	m.waitPage(t, 10*time.Second, `facefusion_process_up{`)
	t.Logf("page after %s", time.Since(began).Round(time.Millisecond))
	assert.Equal(t, "otelcol-facefusion", m.property(t, "User"))
	assert.Equal(t, "enabled", m.run(t, "systemctl is-enabled otelcol-facefusion"))

	startFaceFusion(t, m, steady)
	m.waitPage(t, patience, everything...)

	step := func(name string, do func(t *testing.T)) {
		require.True(t, t.Run(name, do), "what follows builds on it")
	}

	step("it uses what the unit says and no more", func(t *testing.T) {
		status := m.run(t, "grep -E '^(Cap(Eff|Bnd)|NoNewPrivs|Seccomp):' /proc/$(systemctl show -P MainPID otelcol-facefusion)/status")
		// CAP_DAC_READ_SEARCH is the second bit, CAP_SYS_PTRACE the nineteenth.
		assert.Equal(t, "CapEff:\t0000000000080004\nCapBnd:\t0000000000080004\nNoNewPrivs:\t1\nSeccomp:\t2", status)
		assert.NotContains(t, m.run(t, "journalctl --unit=otelcol-facefusion --output=cat"), "operation not permitted")
	})

	step("killed, it is back", func(t *testing.T) {
		m.run(t, "kill -KILL $(systemctl show -P MainPID otelcol-facefusion)")
		require.Eventually(t, func() bool { return m.property(t, "NRestarts") == "1" && m.property(t, "ActiveState") == "active" }, patience, 100*time.Millisecond)
		m.waitPage(t, patience, everything...)
	})

	step("a wrong configuration is refused, and the old one kept", func(t *testing.T) { refusesWrongConfiguration(t, m) })
	step("a changed configuration is read at a reload", func(t *testing.T) { reloads(t, m) })
	step("it keeps its state where the unit says", func(t *testing.T) { keepsState(t, m) })

	step("it comes with the host", func(t *testing.T) {
		m.reboot(t)
		m.waitPage(t, patience, `facefusion_process_up{`)
	})

	step("an upgrade keeps configuration and state", func(t *testing.T) { upgrades(t, m) })
	step("an upgrade whose configuration is wrong keeps what runs", func(t *testing.T) { keepsOldProgram(t, m) })

	step("a downgrade", func(t *testing.T) {
		m.run(t, installNew)
		output := m.run(t, installOld)
		require.Contains(t, output, "downgrading")
		m.waitPage(t, patience, `facefusion_process_up{`)
		assert.Contains(t, m.read(t, agentConfig), "# changed by hand")
	})

	step("removed, it is gone, and its configuration there", func(t *testing.T) {
		m.run(t, "dpkg --remove otelcol-facefusion")
		assert.Equal(t, "inactive", m.try("systemctl is-active otelcol-facefusion"))
		assert.Empty(t, m.get("http://127.0.0.1:9464/metrics"))
		assert.FileExists(t, filepath.Join(m.root, agentConfig))
		assert.DirExists(t, filepath.Join(m.root, stateFolder))
	})

	step("purged, nothing is left", func(t *testing.T) {
		m.run(t, "dpkg --purge otelcol-facefusion")
		assert.Empty(t, m.run(t, "find / -xdev -name '*otelcol*' -not -path '/proc/*' -not -path '/var/log/*' -not -path '/sys/*'"))
		assert.NotContains(t, m.run(t, "getent passwd; getent group"), "otelcol")
		assert.NotContains(t, m.run(t, "systemctl list-unit-files --no-pager"), "otelcol")
	})
}

func refusesWrongConfiguration(t *testing.T, m *bootedMachine) {
	right, pid := m.read(t, agentConfig), m.property(t, "MainPID")
	m.write(t, agentConfig, strings.Replace(right, "host_metrics:", "hostmetricks:", 1))

	m.refused(t, "systemctl reload otelcol-facefusion")
	assert.Contains(t, m.run(t, "journalctl --unit=otelcol-facefusion --output=cat --lines=20"), `hostmetricks`)
	assert.Equal(t, pid, m.property(t, "MainPID"))
	m.waitPage(t, patience, everything...)

	m.refused(t, restart)
	m.write(t, agentConfig, right)
	// It was tried again and again, and works as soon as it can.
	m.waitPage(t, patience, everything...)
}

func reloads(t *testing.T, m *bootedMachine) {
	right, pid := m.read(t, agentConfig), m.property(t, "MainPID")
	m.write(t, agentConfig, strings.ReplaceAll(right, "127.0.0.1:9464", "127.0.0.1:19464")+"# changed by hand\n")
	m.run(t, "systemctl reload otelcol-facefusion")
	require.Eventually(t, func() bool { return m.get("http://127.0.0.1:19464/metrics") != "" }, patience, 100*time.Millisecond)
	assert.Equal(t, pid, m.property(t, "MainPID"))

	m.write(t, agentConfig, right+"# changed by hand\n")
	m.run(t, "systemctl reload otelcol-facefusion")
	m.waitPage(t, patience, everything...)
}

func keepsState(t *testing.T, m *bootedMachine) {
	m.write(t, optionsFile, "OTELCOL_OPTIONS=\"--config=/etc/otelcol-facefusion/agent.yaml --config=/etc/otelcol-facefusion/all-signals.yaml\"\n")
	m.run(t, restart)
	m.waitPage(t, patience, everything...)
	assert.Equal(t, "otelcol-facefusion otelcol-facefusion 700", m.run(t, "stat --format='%U %G %a' "+stateFolder))
	// The state of the receiver and a queue for each signal.
	require.Eventually(t, func() bool { return len(files(t, m, stateFolder)) >= 4 }, patience, 100*time.Millisecond)
}

func files(t *testing.T, m *bootedMachine, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(m.root, folder))
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func upgrades(t *testing.T, m *bootedMachine) {
	state, pid := files(t, m, stateFolder), m.property(t, "MainPID")
	output := m.run(t, installNew)
	require.NotContains(t, output, "downgrading")
	m.waitPage(t, patience, `facefusion_process_up{`)
	assert.NotEqual(t, pid, m.property(t, "MainPID"), "the old program still runs")
	assert.Contains(t, m.read(t, agentConfig), "# changed by hand")
	assert.FileExists(t, filepath.Join(m.root, agentConfig+".dpkg-dist"), "what the new version would have, beside it")
	assert.Contains(t, m.read(t, optionsFile), "all-signals.yaml")
	assert.Subset(t, files(t, m, stateFolder), state)
}

func keepsOldProgram(t *testing.T, m *bootedMachine) {
	m.run(t, installOld)
	m.waitPage(t, patience, `facefusion_process_up{`)
	right, pid := m.read(t, agentConfig), m.property(t, "MainPID")
	// As after a version that no longer knows a setting.
	m.write(t, agentConfig, strings.Replace(right, "  facefusion:\n", "  facefusion:\n    gone_since: 0.2.0\n", 1))
	output := m.run(t, installNew)
	assert.Contains(t, output, "gone_since")
	assert.Contains(t, output, "the old one keeps running")
	assert.Equal(t, pid, m.property(t, "MainPID"))
	assert.NotEmpty(t, m.get("http://127.0.0.1:9464/metrics"))
	m.write(t, agentConfig, right)
}
