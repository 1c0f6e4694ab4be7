package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
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

// An inhibition rule that names a renamed alert inhibits nothing, without an error.
func TestInhibitionKnowsItsAlerts(t *testing.T) {
	cfg, _ := load(t)
	known := alerts(t)
	for _, rule := range cfg.InhibitRules {
		compiled := inhibit.NewInhibitRule(rule)
		for _, side := range []labels.Matchers{compiled.SourceMatchers, compiled.TargetMatchers} {
			matched := 0
			for name := range known {
				if matches(side, name) {
					matched++
				}
			}
			require.NotZero(t, matched, "%v matches no alert", side)
		}
	}
}

func TestInhibition(t *testing.T) {
	lost := model.LabelSet{"alertname": "FaceFusionAgentDown", "host_name": "gpu-7", "instance": "gpu-7:9464", "job": "facefusion"}
	own := with(lost, "job", "facefusion-collector") // as in rules that were not updated
	down := model.LabelSet{"alertname": "FaceFusionServerDown", "host_name": "gpu-7", "service_instance_id": "a"}
	gpu := model.LabelSet{"alertname": "GPULost", "host_name": "gpu-7", "hw_id": "GPU-1"}
	memory := model.LabelSet{"alertname": "GPUMemoryErrors", "host_name": "gpu-7", "hw_id": "GPU-1", "error_type": "uncorrected"}
	memoryXID := model.LabelSet{"alertname": "GPUXid", "host_name": "gpu-7", "hw_id": "GPU-1", "error_type": "xid_48"}
	missing := model.LabelSet{"alertname": "GPUMissing", "host_name": "gpu-7"}
	stalled := model.LabelSet{"alertname": "FaceFusionJobStalled", "host_name": "gpu-7", "service_instance_id": "a"}
	driver := model.LabelSet{"alertname": "CollectorGPUDriverUnavailable", "host_name": "gpu-7"}
	blind := model.LabelSet{"alertname": "CollectorProbeBlind", "host_name": "gpu-7"}
	other := model.LabelSet{"alertname": "FaceFusionServerSaturated", "host_name": "gpu-7", "service_instance_id": "a", "server_port": "7861"}
	for _, c := range []struct {
		what           string
		source, target model.LabelSet
		muted          bool
	}{
		{"a host that is down silences the rest", lost, down, true},
		{"not that of another host", lost, with(down, "host_name", "gpu-8"), false},
		{"not the watchdog", lost, model.LabelSet{"alertname": "Watchdog"}, false},
		{"not itself", lost, lost, false},
		{"not an alert of somebody else", lost, model.LabelSet{"alertname": "NodeClockSkewDetected", "host_name": "gpu-7", "job": "node"}, false},
		{"the agent's own page silences no lost GPU", own, gpu, false},
		{"nor a server that is down", own, down, false},
		{"the driver that is away silences the blind probe of the GPUs", driver, with(blind, "probe", "gpu"), true},
		{"not that of the processes", driver, with(blind, "probe", "process"), false},
		{"errors of a GPU's memory silence an XID that tells them", memory, memoryXID, true},
		{"not one of its firmware", memory, with(memoryXID, "error_type", "xid_119"), false},
		{"nor of another GPU", with(memory, "hw_id", "GPU-2"), memoryXID, false},
		{"a lost GPU silences its XID", gpu, model.LabelSet{"alertname": "GPUXid", "host_name": "gpu-7", "hw_id": "GPU-1"}, true},
		{"not that of another GPU", gpu, model.LabelSet{"alertname": "GPUXid", "host_name": "gpu-7", "hw_id": "GPU-2"}, false},
		{"a lost GPU silences the jobs it took", gpu, stalled, true},
		{"not a server that is down", gpu, down, false},
		{"a GPU that was taken out silences no job of its host, for all of the day", missing, stalled, false},
		{"nor a queue that does not move", missing, with(stalled, "alertname", "FaceFusionQueueNotMoving"), false},
		{"nor jobs that fail", missing, with(stalled, "alertname", "FaceFusionJobsFailing"), false},
		{"not two runners that overwrite each other's files", gpu, model.LabelSet{"alertname": "FaceFusionJobContended", "host_name": "gpu-7", "service_instance_id": "a"}, false},
		{"nor a folder that is closed", gpu, model.LabelSet{"alertname": "FaceFusionJobsFolderClosed", "host_name": "gpu-7", "service_instance_id": "a"}, false},
		{"a server that is down silences its queue", down, model.LabelSet{"alertname": "FaceFusionQueueNotMoving", "host_name": "gpu-7", "service_instance_id": "a"}, true},
		{"not that of another instance", down, model.LabelSet{"alertname": "FaceFusionQueueNotMoving", "host_name": "gpu-7", "service_instance_id": "b"}, false},
		{"not another server of the instance", with(down, "server_port", "7860"), other, false},
		{"a full disk silences its forecast", model.LabelSet{"alertname": "HostDiskFull", "host_name": "gpu-7", "mountpoint": "/"},
			model.LabelSet{"alertname": "HostDiskFilling", "host_name": "gpu-7", "mountpoint": "/"}, true},
	} {
		require.Equal(t, c.muted, inhibits(t, c.source, c.target), c.what)
	}
}

// The command of docs/alerts.md keeps apart hosts of the same name in several clusters, in messages
// and in inhibitions.
func TestClustersAreKeptApart(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	require.NoError(t, err)
	command := regexp.MustCompile("`sed -i (-E '[^`]+') alertmanager.yml`").FindSubmatch(page)
	require.NotNil(t, command, "docs/alerts.md has no command for several clusters")
	content, err := exec.Command("sh", "-c", "sed "+string(command[1])+" "+filepath.Join(alertmanager, "alertmanager.yml")).Output()
	require.NoError(t, err)
	cfg, err := config.Load(string(content))
	require.NoError(t, err)
	require.Contains(t, cfg.Route.GroupBy, model.LabelName("cluster"))
	for _, rule := range cfg.InhibitRules {
		require.Contains(t, inhibit.NewInhibitRule(rule).Equal, model.LabelName("cluster"), "%v", rule.SourceMatchers)
	}
	before, _ := load(t)
	require.Len(t, cfg.InhibitRules, len(before.InhibitRules))
}

// The loss of a page invalidates the alerts that are computed from that page, and no others.
func TestAgentDownSuppressesWhatDependsOnItsPage(t *testing.T) {
	known := rules(t)
	for name, alert := range alerts(t) {
		if name == "FaceFusionAgentDown" {
			continue
		}
		for _, job := range []model.LabelValue{"facefusion", "facefusion-collector"} {
			source := model.LabelSet{"alertname": "FaceFusionAgentDown", "host_name": "gpu-7", "job": job}
			target := model.LabelSet{"alertname": model.LabelValue(name), "host_name": "gpu-7"}
			// That the agent's own page is away as well is one thing with it.
			depends := name == "CollectorOwnMetricsDown" || ofTheHost(t, known, alert.Expr)
			require.Equal(t, job == "facefusion" && depends, inhibits(t, source, target), "%s, while %s is away", name, job)
		}
	}
}

// ofTheHost reports whether an expression uses, directly or through recording rules, a series of
// the page with the host's data.
func ofTheHost(t *testing.T, known []rulefmt.Rule, expr string) bool {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	require.NoError(t, err)
	found := false
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		recorded := false
		for _, rule := range known {
			if rule.Record == selector.Name {
				recorded = true
				found = found || ofTheHost(t, known, rule.Expr)
			}
		}
		foreign := strings.HasPrefix(selector.Name, "otelcol_") || strings.HasPrefix(selector.Name, "prometheus_") || strings.HasPrefix(selector.Name, "alertmanager_")
		found = found || !recorded && selector.Name != "up" && !foreign
		return nil
	})
	return found
}

// An inhibited critical alert notifies nobody, so only a critical alert may inhibit one.
func TestNoLesserAlertSuppressesCriticalOnes(t *testing.T) {
	known := alerts(t)
	cfg, _ := load(t)
	for _, rule := range cfg.InhibitRules {
		compiled := inhibit.NewInhibitRule(rule)
		for source, lesser := range known {
			if lesser.Labels["severity"] == "critical" || !matches(compiled.SourceMatchers, source) {
				continue
			}
			for target, alert := range known {
				require.False(t, alert.Labels["severity"] == "critical" && matches(compiled.TargetMatchers, target), "%s suppresses %s", source, target)
			}
		}
	}
}

// matches reports whether an alert of that name can match, with suitable other labels.
func matches(side labels.Matchers, name string) bool {
	set := model.LabelSet{}
	for _, matcher := range side {
		value, _, _ := strings.Cut(matcher.Value, "|") // one of those that a pattern names
		set[model.LabelName(matcher.Name)] = model.LabelValue(value)
	}
	set["alertname"] = model.LabelValue(name)
	return side.Matches(set)
}

func with(set model.LabelSet, name model.LabelName, value model.LabelValue) model.LabelSet {
	set = set.Clone()
	set[name] = value
	return set
}

// inhibits reports whether a rule mutes the target while the source fires. Alertmanager does not
// let an alert mute itself.
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
