package container

import (
	"encoding/json"
	"slices"
	"strings"
)

// Names are what people call a container. They are empty where nobody tells.
type Names struct {
	// Name is that of the container, Image that of its image with the tag.
	Name, Image string
	// PodContainer is the name of the container within its pod.
	PodContainer string
}

// ReadDocker reads what Docker keeps of a container: config.v2.json in its folder.
func (n *Names) ReadDocker(text []byte) {
	var kept struct {
		Name   string
		Config struct{ Image string }
	}
	if json.Unmarshal(text, &kept) == nil {
		n.Name, n.Image = Label(strings.TrimPrefix(kept.Name, "/")), Label(kept.Config.Image)
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
		}
	}
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
