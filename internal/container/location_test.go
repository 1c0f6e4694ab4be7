package container_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var id = strings.Repeat("0123456789abcdef", 4)

const uid = "4b5d7f6e-1a2b-4c3d-8e9f-0123456789ab"

// TestLocations: the forms in which runtimes name the group of a container.
func TestLocations(t *testing.T) {
	underscored := strings.ReplaceAll(uid, "-", "_")
	for name, c := range map[string]struct{ text, id, pod, unit string }{
		"docker, systemd":              {"0::/system.slice/docker-" + id + ".scope\n", id, "", ""},
		"docker, cgroupfs":             {"12:cpu,cpuacct:/docker/" + id + "\n3:memory:/docker/" + id + "\n", id, "", ""},
		"docker in docker":             {"0::/docker/" + strings.Repeat("f", 64) + "/docker/" + id + "\n", id, "", ""},
		"containerd, systemd":          {"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + underscored + ".slice/cri-containerd-" + id + ".scope\n", id, uid, ""},
		"guaranteed":                   {"0::/kubepods.slice/kubepods-pod" + underscored + ".slice/cri-containerd-" + id + ".scope\n", id, uid, ""},
		"containerd, cgroupfs":         {"0::/kubepods/besteffort/pod" + uid + "/" + id + "\n", id, uid, ""},
		"from another container":       {"0::/../../kubepods-burstable-pod" + underscored + ".slice/crio-" + id + ".scope\n", id, uid, ""},
		"cri-o, with a group below":    {"0::/kubepods.slice/kubepods-pod" + underscored + ".slice/crio-" + id + ".scope/container\n", id, uid, ""},
		"podman":                       {"0::/machine.slice/libpod-" + id + ".scope/container\n", id, "", ""},
		"podman, rootless":             {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope\n", id, "", ""},
		"a service":                    {"0::/system.slice/facefusion.service\n", "", "", "facefusion.service"},
		"a service that was deleted":   {"0::/system.slice/facefusion.service (deleted)\n", "", "", "facefusion.service"},
		"a service, by version 1":      {"4:memory:/system.slice/facefusion.service\n1:name=systemd:/system.slice/facefusion.service\n0::/system.slice/facefusion.service\n", "", "", "facefusion.service"},
		"a service of a user":          {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/ff.service\n", "", "", ""},
		"a session":                    {"0::/user.slice/user-1000.slice/session-3.scope\n", "", "", ""},
		"the root":                     {"0::/\n", "", "", ""},
		"a name that looks like an id": {"0::/system.slice/" + id[:63] + ".scope\n", "", "", ""},
		"nonsense":                     {"\n:\n0:\nx:y\n0::\n0::relative\n", "", "", ""},
	} {
		p := container.ParseLocation([]byte(c.text))
		assert.Equal(t, [3]string{c.id, c.pod, c.unit}, [3]string{p.ID, p.PodUID, p.Unit}, name)
		assert.Equal(t, c.id+c.pod+c.unit != "", p.Bounded(), name)
	}
}

func FuzzParseLocation(f *testing.F) {
	f.Add([]byte("0::/system.slice/docker-" + id + ".scope\n4:memory:/a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := container.ParseLocation(text)
		assert.Contains(t, []int{0, 64}, len(p.ID))
		assert.Contains(t, []int{0, 36}, len(p.PodUID))
	})
}
