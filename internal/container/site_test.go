package container_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
)

// TestSites: what names the place of a process by what lasts, where a container has the name "shop"
// by its runtime.
func TestSites(t *testing.T) {
	inner := strings.Repeat("f", 64)
	for path, want := range map[string]string{
		"/": "",
		"/user.slice/user-1000.slice/session-3.scope":                                                  "",
		"/system.slice/facefusion.service":                                                             "unit facefusion.service",
		"/system.slice/system-ff.slice/ff@1.service":                                                   "unit ff@1.service",
		"/system.slice/run-r0123456789abcdef.service":                                                  "",
		"/system.slice/containerd.service/kubepods-x":                                                  "",
		"/user.slice/user-1000.slice/user@1000.service/app.slice/ff.service":                           "user-1000.slice unit ff.service",
		"/system.slice/docker-" + id + ".scope":                                                        "shop",
		"/../docker-" + id + ".scope":                                                                  "shop",
		"/docker/" + id:                                                                                "shop",
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope":             "user-1000.slice shop",
		"/system.slice/ff.service/libpod-payload-" + id:                                                "unit ff.service",
		"/lxc.payload.web/system.slice/ff.service":                                                     "machine web/ff.service",
		"/machine.slice/machine-web.scope/payload/system.slice/ff.service":                             "machine web/ff.service",
		"/machine.slice/systemd-nspawn@web.service/payload/system.slice/ff.service":                    "machine web/ff.service",
		"/system.slice/docker-" + id + ".scope/docker/" + inner:                                        "shop/" + inner,
		"/system.slice/docker-" + id + ".scope/lxc.payload.web":                                        "shop/web",
		"/lxc.payload.evil/system.slice/docker-" + id + ".scope":                                       "machine evil/" + id,
		"/system.slice/docker-" + id + ".scope/user.slice/user-1000.slice/x.service":                   "shop/x.service",
		"/machine.slice/libpod-" + id + ".scope/libpod-payload-" + id:                                  "shop",
		"/kubepods.slice/kubepods-pod4b5d7f6e_1a2b_4c3d_8e9f_0123456789ab.slice/crio-" + id + ".scope": "shop",
	} {
		l := container.ParseLocation([]byte("0::" + path + "\n"))
		assert.Equal(t, want, l.Site.Who("shop"), path)
	}
	unnamed := container.ParseLocation([]byte("1:name=systemd:/docker/" + id + "\n0::/\n"))
	assert.Equal(t, "container "+id, unnamed.Site.Who(""))
}

// TestLastingNames: what a runtime keeps of a container tells it from the others, also after it was
// created anew.
func TestLastingNames(t *testing.T) {
	for want, read := range map[string]func(n *container.Names){
		"": func(n *container.Names) {
			n.ReadDocker([]byte("{"))
			n.ReadBundle([]byte("["))
			n.ReadPodman([]byte("{"), id)
		},
		"container web": func(n *container.Names) {
			n.ReadDocker([]byte(`{"Name": "/web", "Config": {"Labels": {"com.docker.compose.project": "shop"}}}`))
		},
		"compose shop/ff/2": func(n *container.Names) {
			n.ReadDocker([]byte(`{"Name": "/web", "Config": {"Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "ff", "com.docker.compose.container-number": "2"}}}`))
		},
		"container studio": func(n *container.Names) { n.ReadPodman([]byte(`[{"id": "`+id+`", "names": ["studio"]}]`), id) },
		"pod media/ff-0/ui": func(n *container.Names) {
			n.ReadBundle([]byte(`{"annotations": {"io.kubernetes.cri.sandbox-namespace": "media", "io.kubernetes.cri.sandbox-name": "ff-0", "io.kubernetes.cri.container-name": "ui"}}`))
			n.InPod(uid)
		},
		"pod " + uid + "/ui": func(n *container.Names) { n.PodContainer = "ui"; n.InPod(uid) },
	} {
		var n container.Names
		read(&n)
		assert.Equal(t, want, n.Lasting())
	}
}
