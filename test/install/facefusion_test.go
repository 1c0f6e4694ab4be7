//go:build install || upgrade

package install

import "testing"

// Paces of the stand-in. One that is busy has jobs within seconds, and restarts its server now and
// then; one that is idle does nothing by itself.
const busy, idle = "20", "0.0001"

// startFaceFusion runs a stand-in for FaceFusion as a user whose home no other user may enter.
func startFaceFusion(t *testing.T, m *bootedMachine, pace string) {
	t.Helper()
	m.run(t, "useradd --create-home --shell /bin/sh ai && chmod 700 /home/ai")
	m.run(t, "install --mode=755 /programs/simulator /usr/local/bin/simulator")
	m.run(t, "systemd-run --quiet --unit=facefusion --uid=ai --gid=ai --working-directory=/home/ai "+
		"/usr/local/bin/simulator --gpus=0 --instances=1 --dir=/home/ai/facefusion --speed="+pace)
}
