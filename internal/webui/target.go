package webui

import (
	"cmp"
	"net/url"
	"strconv"
)

// key tells servers apart for those who read: a server that restarts on its port is the same one.
type key struct {
	instance string
	port     uint16
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(a.port, b.port))
}

func compareTargets(a, b Target) int {
	return cmp.Or(compareKeys(keyOf(a), keyOf(b)), cmp.Compare(a.Process, b.Process))
}

// keyOf is where a target is filed; a configured endpoint without a port of its own has that of its
// URL.
func keyOf(t Target) key {
	port := t.Port
	if port == 0 && t.Process == "" && t.URL != nil {
		port = PortOf(t.URL)
	}
	return key{t.Instance, port}
}

// PortOf is the port that a URL names, or that of its scheme.
func PortOf(u *url.URL) uint16 {
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(port)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}
