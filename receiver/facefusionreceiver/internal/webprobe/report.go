package webprobe

import (
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// serverKey is one server of an instance.
type serverKey struct {
	instance string
	port     uint16
}

// report logs, once each, why a server is unhealthy, and that servers are more than are asked.
func (p *Probe) report(snapshot *webui.Snapshot) {
	p.reportHealth(snapshot)
	logger := p.env.Settings.Logger
	if snapshot.Over > 0 && !p.over {
		logger.Warn("an instance has more servers than are shown", zap.Int("servers_left_out", snapshot.Over), zap.String("limit", "servers"),
			zap.String("remedy", "name those that matter as instances[], each with its endpoint or its match.port"))
	}
	if snapshot.Waiting > 0 && !p.late {
		logger.Warn("a user has more servers than are asked at once: what is known of them is late", zap.Int("servers", snapshot.Waiting), zap.String("limit", "server_turns"),
			zap.String("remedy", "look for servers of that user that do not answer; those of other users are not late"))
	}
	p.over, p.late = p.over || snapshot.Over > 0, p.late || snapshot.Waiting > 0
}

// reportHealth logs what a health check says against a server. The URL is not in it, as tokens
// stand there.
func (p *Probe) reportHealth(snapshot *webui.Snapshot) {
	unhealthy := make(map[serverKey]bool)
	for i := range snapshot.Servers {
		server := &snapshot.Servers[i]
		key := serverKey{server.Instance, server.Port}
		switch failing := server.State == webui.StateUnhealthy && server.Health != nil; {
		case failing && !p.unhealthy[key]:
			p.env.Settings.Logger.Warn("the health check of a server fails", append(fieldsOf(key), zap.String("reason", server.Health.ErrorType), zap.Int("status_code", server.Health.StatusCode),
				zap.String("remedy", remedyOf(server.Health)))...)
		case p.unhealthy[key] && server.State == webui.StateReady:
			p.env.Settings.Logger.Info("the health check of a server succeeds again", fieldsOf(key)...)
			continue
		}
		if server.State == webui.StateUnhealthy || p.unhealthy[key] {
			unhealthy[key] = true
		}
	}
	p.unhealthy = unhealthy
}

func fieldsOf(key serverKey) []zap.Field {
	fields := []zap.Field{zap.String("instance", key.instance)}
	if key.port != 0 {
		fields = append(fields, zap.Uint16("port", key.port))
	}
	return fields
}

// remedyOf is where to look first.
func remedyOf(h *webui.CheckResult) string {
	switch {
	case h.StatusCode == 401 || h.StatusCode == 403:
		return "give the check its credentials, as health.auth or health.headers"
	case h.ErrorType == webui.ErrorStatus:
		return "ask the URL of health.endpoint yourself; if that code is that of a healthy server, name it in health.status"
	case h.ErrorType == webui.ErrorBody:
		return "ask the URL of health.endpoint yourself, and compare what comes with health.body"
	}
	return "ask the URL of health.endpoint yourself, from this host; health.timeout is how long it may take"
}
