package processprobe

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestWhatThePageShowsIsScraped as soon as it is another, also where no process starts or exits.
func TestWhatThePageShowsIsScraped(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), nil, env)
	instance := func(version string) process.Instance { return process.Instance{ID: "ff", Version: version} }
	for _, c := range []struct {
		what      string
		instances []process.Instance
		changed   bool
	}{
		{"none at the start", nil, false},
		{"one comes", []process.Instance{instance("")}, true},
		{"it is the same", []process.Instance{instance("")}, false},
		{"its version is read", []process.Instance{instance("3.8.1")}, true},
		{"it is the same", []process.Instance{instance("3.8.1")}, false},
		{"it is stopped", []process.Instance{{ID: "ff", Version: "3.8.1", Stopped: true}}, true},
		{"its configuration waits", []process.Instance{{ID: "ff", Version: "3.8.1", Stopped: true, Configuration: process.ConfigurationWaiting}}, true},
		{"another comes before it", []process.Instance{instance("3.8.0"), instance("3.8.1")}, true},
		{"one goes", []process.Instance{instance("3.8.0")}, true},
		{"the last goes", nil, true},
		{"none", nil, false},
	} {
		require.Equal(t, c.changed, p.shows(c.instances), c.what)
	}
}
