package webprobe

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

func TestAServerThatMovedIsAnotherTarget(t *testing.T) {
	at := func(address string) webui.Target {
		return target(&process.Instance{ID: "studio"}, process.ServerProcess{ID: process.ID{PID: 11}, Port: 7860, Address: netip.MustParseAddrPort(address)})
	}
	unreached := target(&process.Instance{ID: "studio"}, process.ServerProcess{ID: process.ID{PID: 11}, Port: 7860})
	assert.True(t, sameTarget(at("172.17.0.2:7860"), at("172.17.0.2:7860")))
	assert.False(t, sameTarget(at("172.17.0.2:7860"), at("172.18.0.2:7860")))
	assert.False(t, sameTarget(at("172.17.0.2:7860"), unreached))
	assert.True(t, sameTarget(unreached, unreached))
}
