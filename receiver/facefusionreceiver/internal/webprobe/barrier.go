package webprobe

import (
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// barrier is what is in the way of one server.
type barrier struct {
	instance string
	port     uint16
	reason   process.Barrier
}

// reportBarriers logs, once each, the servers that are not asked, and those that are again.
func (p *Probe) reportBarriers(snapshot *process.Snapshot) {
	if snapshot == nil {
		return
	}
	present, open := make(map[barrier]bool), make(map[barrier]bool)
	for i := range snapshot.Instances {
		for _, server := range snapshot.Instances[i].Servers {
			if server.Barrier == "" {
				open[barrier{instance: snapshot.Instances[i].ID, port: server.Port}] = true
				continue
			}
			b := barrier{snapshot.Instances[i].ID, server.Port, server.Barrier}
			if !present[b] && !p.barriers[b] {
				p.env.Settings.Logger.Warn("a server is not probed, as it is not certain whom a request would reach",
					zap.String("instance", b.instance), zap.Uint16("port", b.port), zap.String("reason", string(b.reason)),
					zap.String("remedy", "name the address at which it can be asked as instances[].endpoint"))
			}
			present[b] = true
		}
	}
	for b := range p.barriers {
		if !present[b] && open[barrier{instance: b.instance, port: b.port}] {
			p.env.Settings.Logger.Info("a server is probed again", zap.String("instance", b.instance), zap.Uint16("port", b.port))
		}
	}
	p.barriers = present
}
