//go:build install || upgrade

package install

import "testing"

// What the stand-in does. One that is steady has jobs within seconds and a server that stays; one
// that is idle does nothing by itself, and never comes to listen.
const steady, idle = "--speed=20 --seed=7", "--speed=0.0001"

// startFaceFusion runs a stand-in for FaceFusion as a user whose home no other user may enter.
func startFaceFusion(t *testing.T, m *bootedMachine, does string) {
	t.Helper()
	m.run(t, "useradd --create-home --shell /bin/sh ai && chmod 700 /home/ai")
	m.run(t, "install --mode=755 /programs/simulator /usr/local/bin/simulator")
	m.run(t, "systemd-run --quiet --unit=facefusion --uid=ai --gid=ai --working-directory=/home/ai "+
		"/usr/local/bin/simulator --gpus=0 --instances=1 --dir=/home/ai/facefusion "+does)
}
