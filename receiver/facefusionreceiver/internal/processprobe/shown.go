package processprobe

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/process"

// shownInstance is what the page shows of an instance and what changes without a process that
// starts or exits: a version that is read late, for one, as its folder lies on a share that stood.
type shownInstance struct {
	id, version   string
	configuration process.ConfigurationState
	stopped       bool
}

// shows takes note of the instances, and reports whether they are others than those before.
func (p *Probe) shows(instances []process.Instance) (changed bool) {
	changed = len(instances) != len(p.shown)
	shown := p.shown[:0]
	for n := range instances {
		i := &instances[n]
		now := shownInstance{i.ID, i.Version, i.Configuration, i.Stopped}
		changed = changed || p.shown[n] != now
		shown = append(shown, now)
	}
	p.shown = shown
	return changed
}
