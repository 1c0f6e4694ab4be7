//go:build install

package install

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestDropIns checks what is seen of another user's FaceFusion with each drop-in, installed as its
// comment describes.
func TestDropIns(t *testing.T) {
	m := boot(t, packages)
	m.run(t, installNew)
	startFaceFusion(t, m, steady)
	m.waitPage(t, patience, everything...)

	use := func(t *testing.T, name string, edit ...string) {
		t.Helper()
		m.run(t, "rm -rf "+dropIns)
		text := strings.NewReplacer(edit...).Replace(m.read(t, shipped+name))
		m.write(t, dropIns+"/"+name, text)
		m.run(t, "systemctl daemon-reload && "+restart)
	}

	t.Run("without capabilities", func(t *testing.T) {
		use(t, "no-capabilities.conf")
		page := m.waitPage(t, patience, `facefusion_process_count{facefusion_process_role="server"`)
		assert.NotContains(t, page, `service_version="3.8.1"`)
		assert.NotContains(t, page, "facefusion_job_count{")
		assert.Contains(t, m.run(t, "grep CapEff /proc/$(systemctl show -P MainPID otelcol-facefusion)/status"), "0000000000000000")
	})

	t.Run("as the user of FaceFusion", func(t *testing.T) {
		use(t, "same-user.conf", "User=facefusion", "User=ai", "Group=facefusion", "Group=ai")
		m.waitPage(t, patience, everything...)
	})

	t.Run("with one folder of a home", func(t *testing.T) {
		use(t, "home.conf")
		m.waitPage(t, patience, everything...)
		m.run(t, "touch /home/ai/secret")
		m.refused(t, "nsenter --target $(systemctl show -P MainPID otelcol-facefusion) --mount stat /home/ai/secret")
	})

	t.Run("without the network", func(t *testing.T) {
		use(t, "loopback-only.conf")
		m.waitPage(t, patience, everything...)
	})

	t.Run("with the log of the kernel", func(t *testing.T) {
		use(t, "kernel-log.conf")
		m.waitPage(t, patience, everything...)
		assert.Contains(t, m.run(t, "grep CapEff /proc/$(systemctl show -P MainPID otelcol-facefusion)/status"), "0000000400080004")
	})
}
