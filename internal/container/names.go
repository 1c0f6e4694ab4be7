package container

import (
	"encoding/json"
	"slices"
	"strings"
)

// Names are the names that users gave a container. They are empty where unknown.
type Names struct {
	// Name is that of the container, Image that of its image with the tag.
	Name, Image string
	// PodContainer is the name of the container within its pod.
	PodContainer string
	// lasting is what it is called by who made it, and is called again when it is created anew.
	lasting string
}

// Lasting identifies a container on its host, also after it was recreated: its compose service, its
// pod, else its name. It is empty where there is none.
func (n *Names) Lasting() string {
	if n.lasting == "" && n.Name != "" {
		return "container " + n.Name
	}
	return n.lasting
}

// ReadDocker reads what Docker keeps of a container: config.v2.json in its folder.
func (n *Names) ReadDocker(text []byte) {
	var kept struct {
		Name   string
		Config struct {
			Image  string
			Labels map[string]string
		}
	}
	if json.Unmarshal(text, &kept) != nil {
		return
	}
	n.Name, n.Image = Label(strings.TrimPrefix(kept.Name, "/")), Label(kept.Config.Image)
	n.inCluster(kept.Name)
	project, service, number := kept.Config.Labels[composeProject], kept.Config.Labels[composeService], kept.Config.Labels[composeNumber]
	if service != "" {
		n.lasting = "compose " + strings.Join([]string{project, service, number}, "/")
	}
}

// What Docker Compose, and podman-compose, note at each container.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
	composeNumber  = "com.docker.compose.container-number"
)

// ReadBundle reads what containerd runs a container of a pod from: config.json of its bundle. Its
// CRI plugin writes these annotations itself, and lets no pod have them.
func (n *Names) ReadBundle(text []byte) {
	var kept struct{ Annotations map[string]string }
	if json.Unmarshal(text, &kept) != nil {
		return
	}
	namespace, pod := kept.Annotations["io.kubernetes.cri.sandbox-namespace"], kept.Annotations["io.kubernetes.cri.sandbox-name"]
	if pod == "" {
		return
	}
	n.PodContainer = Label(kept.Annotations["io.kubernetes.cri.container-name"])
	n.lasting = "pod " + strings.Join([]string{namespace, pod, n.PodContainer}, "/")
}

// InPod names a container of a pod of which no more than the UID is known: that is the same for all
// containers that the pod has one after the other.
func (n *Names) InPod(uid string) {
	if n.lasting == "" && n.Name == "" && uid != "" && n.PodContainer != "" {
		n.lasting = "pod " + uid + "/" + n.PodContainer
	}
}

// ReadPodman reads what Podman and CRI-O keep of all containers: containers.json of their storage.
func (n *Names) ReadPodman(text []byte, id string) {
	var kept []struct {
		ID       string   `json:"id"`
		Names    []string `json:"names"`
		Metadata string   `json:"metadata"`
	}
	if json.Unmarshal(text, &kept) != nil {
		return
	}
	for _, c := range kept {
		if c.ID != id {
			continue
		}
		var metadata struct {
			Image string `json:"image-name"`
		}
		_ = json.Unmarshal([]byte(c.Metadata), &metadata) // without, the image has no name
		n.Image = Label(metadata.Image)
		if len(c.Names) > 0 {
			n.Name = Label(c.Names[0])
			n.inCluster(c.Names[0])
		}
	}
}

// inCluster reads the name that CRI-O and cri-dockerd make of a container of a pod:
// k8s_<container>_<pod>_<namespace>_<uid>_<attempt>. No part can have an underscore, and the last
// two are others each time.
func (n *Names) inCluster(name string) {
	parts := strings.Split(strings.TrimPrefix(name, "/"), "_")
	if len(parts) != 6 || parts[0] != "k8s" || parts[1] == "" || parts[2] == "" {
		return
	}
	n.PodContainer = Label(parts[1])
	n.lasting = "pod " + strings.Join([]string{parts[3], parts[2], n.PodContainer}, "/")
}

// maxLabel bounds a name: those of runtimes are shorter.
const maxLabel = 255

// Label is a name as a label bears it; empty where it is none.
func Label(name string) string {
	if len(name) > maxLabel || slices.ContainsFunc([]byte(name), func(c byte) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return name
}

// PodUID is the uid that a name is, with hyphens; empty where it is none.
func PodUID(name string) string {
	if found := podPattern.FindStringSubmatch("pod" + name); found != nil {
		return strings.ReplaceAll(found[1], "_", "-")
	}
	return ""
}
