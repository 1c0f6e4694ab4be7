package deploy

import (
	"testing"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

func TestEveryAlertIsRoutedByItsSeverity(t *testing.T) {
	cfg, _ := load(t)
	root := dispatch.NewRoute(cfg.Route, nil)
	want := map[string]string{"critical": "call", "warning": "chat", "info": "mail"}
	for name, rule := range alerts(t) {
		receiver := want[rule.Labels["severity"]]
		if name == "Watchdog" {
			receiver = "watchdog"
		}
		routes := root.Match(model.LabelSet{"alertname": model.LabelValue(name), "severity": model.LabelValue(rule.Labels["severity"])})
		require.Len(t, routes, 1, name)
		require.Equal(t, receiver, routes[0].RouteOpts.Receiver, name)
	}
}

func TestWatchdogRepeatsSoonEnough(t *testing.T) {
	cfg, _ := load(t)
	routes := dispatch.NewRoute(cfg.Route, nil).Match(model.LabelSet{"alertname": "Watchdog", "severity": "info"})
	require.LessOrEqual(t, routes[0].RouteOpts.RepeatInterval, 5*time.Minute)
}

// A rule of inhibition about an alert that was renamed inhibits nothing, and nobody notices.
func TestInhibitionKnowsItsAlerts(t *testing.T) {
	cfg, _ := load(t)
	known := alerts(t)
	for _, rule := range cfg.InhibitRules {
		compiled := inhibit.NewInhibitRule(rule)
		for _, side := range []labels.Matchers{compiled.SourceMatchers, compiled.TargetMatchers} {
			matched := 0
			for name := range known {
				if side.Matches(model.LabelSet{"alertname": model.LabelValue(name)}) {
					matched++
				}
			}
			require.NotZero(t, matched, "%v matches no alert", side)
		}
	}
}

func TestInhibition(t *testing.T) {
	lost := model.LabelSet{"alertname": "FaceFusionAgentDown", "host_name": "gpu-7", "instance": "gpu-7:9464"}
	down := model.LabelSet{"alertname": "FaceFusionServerDown", "host_name": "gpu-7", "service_instance_id": "a"}
	gpu := model.LabelSet{"alertname": "GPULost", "host_name": "gpu-7", "hw_id": "GPU-1"}
	for _, c := range []struct {
		what           string
		source, target model.LabelSet
		muted          bool
	}{
		{"a host that is down silences the rest", lost, down, true},
		{"not that of another host", lost, with(down, "host_name", "gpu-8"), false},
		{"not the watchdog", lost, model.LabelSet{"alertname": "Watchdog"}, false},
		{"not itself", lost, lost, false},
		{"a lost GPU silences its XID", gpu, model.LabelSet{"alertname": "GPUXid", "host_name": "gpu-7", "hw_id": "GPU-1"}, true},
		{"not that of another GPU", gpu, model.LabelSet{"alertname": "GPUXid", "host_name": "gpu-7", "hw_id": "GPU-2"}, false},
		{"a lost GPU silences the jobs it took", gpu, model.LabelSet{"alertname": "FaceFusionJobStalled", "host_name": "gpu-7", "service_instance_id": "a"}, true},
		{"not a server that is down", gpu, down, false},
		{"a server that is down silences its queue", down, model.LabelSet{"alertname": "FaceFusionQueueNotMoving", "host_name": "gpu-7", "service_instance_id": "a"}, true},
		{"not that of another instance", down, model.LabelSet{"alertname": "FaceFusionQueueNotMoving", "host_name": "gpu-7", "service_instance_id": "b"}, false},
		{"a full disk silences its forecast", model.LabelSet{"alertname": "HostDiskFull", "host_name": "gpu-7", "mountpoint": "/"},
			model.LabelSet{"alertname": "HostDiskFilling", "host_name": "gpu-7", "mountpoint": "/"}, true},
	} {
		require.Equal(t, c.muted, inhibits(t, c.source, c.target), c.what)
	}
}

func with(set model.LabelSet, name model.LabelName, value model.LabelValue) model.LabelSet {
	set = set.Clone()
	set[name] = value
	return set
}

// inhibits says whether some rule mutes the target while the source fires. Alertmanager does not let an alert mute itself.
func inhibits(t *testing.T, source, target model.LabelSet) bool {
	t.Helper()
	cfg, _ := load(t)
	for _, rule := range cfg.InhibitRules {
		compiled := inhibit.NewInhibitRule(rule)
		if !compiled.SourceMatchers.Matches(source) || !compiled.TargetMatchers.Matches(target) {
			continue
		}
		same := true
		for name := range compiled.Equal {
			same = same && source[name] == target[name]
		}
		if same {
			return true
		}
	}
	return false
}
