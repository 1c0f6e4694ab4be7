package host

import (
	"bytes"
	"os"
	"path/filepath"
)

// Host is the machine that is observed. A field that cannot be had is empty.
type Host struct {
	// Name is the host's name.
	Name string
	// ID is the machine id (systemd's machine-id(5)).
	ID string
}

// Read asks the host whose root is mounted at root: "/" for the machine (or container) that the
// program runs on.
func Read(root string) Host {
	return Host{Name: name(root), ID: firstLine(filepath.Join(root, "etc/machine-id"))}
}

// name of another root is in its /etc/hostname: the kernel would return the name of the container
// that the program runs in.
func name(root string) string {
	if filepath.Clean(root) == "/" {
		if n, err := os.Hostname(); err == nil {
			return n
		}
	}
	return firstLine(filepath.Join(root, "etc/hostname"))
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return string(bytes.TrimSpace(line))
}
