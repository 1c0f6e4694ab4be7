//go:build e2e && (servers || deployments)

package e2e

import "strconv"

func serverKind(p page, port int, kind string) bool {
	return p.is(1, "facefusion_server_kind", "server_port", strconv.Itoa(port), "facefusion_server_kind", kind)
}
