package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The kinds of alerts, by how they are expected to behave after something happens.
type kind int

const (
	// level: it fires while something is so. After each life but "gone" it fires again.
	level kind = iota
	// rate: the same, of counters that go on.
	rate
	// event: something happened. It fires for a while, and never again for the same; what happens
	// while Prometheus is away is reported afterwards.
	event
	// always: the Watchdog.
	always
)

// expectation is what the matrix expects of an alert; but names the lives for which its kind does
// not hold, and why.
type expectation struct {
	kind kind
	but  map[string]string
}

const (
	needsPast  = "it compares with what was before, and there is nothing"
	notOfAHost = "it is of Prometheus or Alertmanager, which are not on the host"
)

// longWindows: what happened within its windows is seen for as long.
var longWindows = map[string]string{"gone": "it ends when its windows are over, at most three days later", "first": needsPast}

// faster: the series of its test would have to keep growing by a fifth each ten minutes.
var faster = map[string]string{"nothing": "it goes on slower", "restart": "it goes on slower", "gap": "it goes on slower", "upgrade": "it goes on slower", "first": "it goes on slower", "prometheus": "it goes on slower"}

// matrix has a row for each alert.
var matrix = map[string]expectation{
	"FaceFusionServerDown":           {level, nil},
	"FaceFusionServerUnresponsive":   {level, nil},
	"FaceFusionServerUnhealthy":      {level, nil},
	"FaceFusionCertificateExpiring":  {level, nil},
	"FaceFusionServerSaturated":      {level, nil},
	"FaceFusionServerStarting":       {level, nil},
	"FaceFusionServerNotProbed":      {level, nil},
	"FaceFusionServiceDown":          {level, nil},
	"FaceFusionStayedAway":           {level, map[string]string{"first": needsPast}},
	"FaceFusionGoneWithJobsWaiting":  {level, nil},
	"FaceFusionNotFound":             {level, nil},
	"FaceFusionCrashLoop":            {event, nil},
	"FaceFusionNeverReady":           {rate, nil},
	"FaceFusionCrashed":              {event, nil},
	"FaceFusionOutOfMemory":          {event, nil},
	"FaceFusionStartFailed":          {event, nil},
	"FaceFusionMemoryGrowing":        {rate, nil},
	"FaceFusionTabsLeftOpen":         {rate, nil},
	"FaceFusionRequestsFailing":      {rate, nil},
	"FaceFusionWebSlow":              {rate, nil},
	"FaceFusionRequestsSlow":         {rate, nil},
	"HostDiskFilling":                {rate, nil},
	"HostDiskFull":                   {level, nil},
	"HostInodesFull":                 {level, nil},
	"HostMemoryFull":                 {level, nil},
	"HostSwapping":                   {rate, nil},
	"HighGPUUsage":                   {level, nil},
	"GPUMemoryFull":                  {level, nil},
	"GPULost":                        {level, nil},
	"GPUDegraded":                    {level, nil},
	"GPURecoveryNeeded":              {level, nil},
	"GPUMissing":                     {level, map[string]string{"first": needsPast}},
	"GPUXid":                         {event, nil},
	"GPUXidOther":                    {event, map[string]string{"first": "the time of the last XID says that it is new"}},
	"GPUMemoryErrors":                {event, nil},
	"GPUThermalThrottling":           {level, nil},
	"GPUPowerBrake":                  {level, nil},
	"GPUPowerCapped":                 {level, nil},
	"GPUHot":                         {level, nil},
	"GPULinkNarrow":                  {level, nil},
	"GPULinkSlow":                    {level, nil},
	"FaceFusionOnCPU":                {rate, nil},
	"FaceFusionQueueGrowing":         {rate, nil},
	"FaceFusionQueueNotMoving":       {level, nil},
	"FaceFusionJobWaitsLong":         {level, nil},
	"FaceFusionJobStalled":           {level, nil},
	"FaceFusionJobOrphaned":          {event, nil},
	"FaceFusionOrphansLeft":          {level, nil},
	"FaceFusionJobsFailing":          {rate, nil},
	"FaceFusionSlowerThanLastWeek":   {rate, longWindows},
	"FaceFusionJobContended":         {level, nil},
	"FaceFusionJobsFolderClosed":     {level, nil},
	"FaceFusionJobUnreadable":        {level, nil},
	"FaceFusionSuccessBurnFast":      {rate, nil},
	"FaceFusionSuccessBurnSlow":      {rate, longWindows},
	"FaceFusionTimeBurnFast":         {rate, nil},
	"FaceFusionTimeBurnSlow":         {rate, longWindows},
	"Watchdog":                       {always, nil},
	"FaceFusionAgentDown":            {level, nil},
	"FaceFusionAgentSilent":          {level, map[string]string{"first": needsPast}},
	"CollectorOwnMetricsDown":        {level, nil},
	"CollectorProbeBlind":            {level, nil},
	"CollectorProbeFailing":          {rate, nil},
	"CollectorGPUDriverUnavailable":  {level, nil},
	"CollectorSeesNoGPU":             {level, nil},
	"CollectorProcessesNotVisible":   {level, nil},
	"CollectorGPUShareUnknown":       {level, nil},
	"CollectorGPUXIDsNotWatched":     {level, nil},
	"CollectorGPUReadingFailing":     {rate, nil},
	"CollectorGPUSelectionUnmatched": {level, nil},
	"CollectorDroppedEvents":         {event, nil},
	"CollectorQueueFull":             {level, nil},
	"CollectorQueueGrowing":          {rate, faster},
	"CollectorExportFailing":         {rate, nil},
	"CollectorRefusing":              {rate, nil},
	"CollectorRestarting":            {event, map[string]string{"missed": "of several restarts that nobody saw, one can be told"}},

	"FaceFusionContainerMemoryFull":  {level, nil},
	"FaceFusionContainerThrottled":   {rate, nil},
	"FaceFusionContainerOutOfMemory": {event, nil},
	"FaceFusionAllocationFailed":     {event, nil},
	"FaceFusionCUDAError":            {event, nil},
	"FaceFusionProviderFallback":     {event, nil},
	"FaceFusionContentDeclined":      {rate, nil},

	"AlertmanagerDown":                 {level, nil},
	"AlertmanagerNotificationsFailing": {rate, nil},
	"AlertmanagerReloadFailed":         {level, nil},
	"PrometheusReloadFailed":           {level, nil},
	"PrometheusNotificationsFailing":   {level, nil},
	"PrometheusRulesFailing":           {rate, nil},
	"PrometheusStorageFailing":         {event, nil},
	"PrometheusSamplesRefused":         {rate, nil},
}

// rightly are the harmless scenarios' lives in which an alert is right to fire, and why.
var rightly = map[string]map[string]string{
	"FaceFusionAgentDown":     {"gap": "the page does not answer for longer than the alert waits"},
	"CollectorOwnMetricsDown": {"gap": "the page does not answer for longer than the alert waits"},
	"AlertmanagerDown":        {"gap": "the page does not answer for longer than the alert waits"},
	"FaceFusionAgentSilent":   {"gap": "nothing comes for longer than the alert waits", "gone": "for a day, as nobody can tell it from an outage"},
}

// forNow are the unit tests in which an alert is quiet as it has not lasted: gone on with, they
// would fire.
var forNow = []string{
	"FaceFusionQueueNotMoving, quiet: one ran",
	"GPUPowerCapped, quiet: a pause",
	"FaceFusionOrphansLeft, quiet: somebody tidied up",
	"GPUMemoryFull, quiet: it was free in between",
}

// unitTests are the scenarios of the unit tests, by alert: those in which it fires, and those in
// which it does not.
func unitTests(t *testing.T) (fires, quiet map[string][]scenario) {
	t.Helper()
	fires, quiet = map[string][]scenario{}, map[string][]scenario{}
	for _, file := range glob(t, prometheus+"/tests/*_test.yml") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var tests struct {
			Tests []struct {
				Name          string
				Interval      model.Duration
				InputSeries   []struct{ Series, Values string } `yaml:"input_series"`
				AlertRuleTest []struct {
					EvalTime  model.Duration `yaml:"eval_time"`
					Alertname string
					ExpAlerts []any `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		require.NoError(t, yaml.Unmarshal(data, &tests))
		for _, test := range tests.Tests {
			w := scenario{name: test.Name, interval: time.Duration(test.Interval)}
			for _, input := range test.InputSeries {
				l, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(input.Series + " " + input.Values)
				require.NoError(t, err)
				w.series = append(w.series, sequence{l, values})
			}
			firesHere := map[string]bool{}
			for _, check := range test.AlertRuleTest {
				firesHere[check.Alertname] = firesHere[check.Alertname] || len(check.ExpAlerts) > 0
			}
			for _, check := range test.AlertRuleTest {
				w.end = time.Duration(check.EvalTime)
				if len(check.ExpAlerts) > 0 {
					fires[check.Alertname] = append(fires[check.Alertname], w)
					continue
				}
				if firesHere[check.Alertname] {
					continue // not yet, or no more
				}
				// The series of the test end first.
				for _, s := range w.series {
					w.end = max(w.end, time.Duration(len(s.values)-1)*w.interval)
				}
				quiet[check.Alertname] = append(quiet[check.Alertname], w)
			}
		}
	}
	return fires, quiet
}

// Every alert has a row in the matrix, with its behaviour over the lives of a host.
func TestEveryAlertHasItsRow(t *testing.T) {
	known := alerts(t)
	for name := range known {
		require.Contains(t, matrix, name)
	}
	for name := range matrix {
		require.Contains(t, known, name)
	}
}

// horizon is how long a life is watched: until the alert must have fired again, or, of one that
// looks a day back, until that day is over.
func horizon(expr string, hold model.Duration) time.Duration {
	h := 100*time.Minute + time.Duration(hold)
	if strings.Contains(expr, "[1d") {
		h += 25 * time.Hour
	}
	if strings.Contains(expr, "[3h]") {
		h += 3 * time.Hour
	}
	return h
}

// TestOutages: each alert over what happens to host, agent and Prometheus while it fires.
func TestOutages(t *testing.T) {
	known, byName := rules(t), alerts(t)
	fires, _ := unitTests(t)
	for name, row := range matrix {
		if row.kind == always {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fires[name][0]
			alert := byName[name]
			until := horizon(alert.Expr, alert.For)
			end := int(until / time.Minute)
			goesOn := row.kind == rate
			all := lives
			if row.kind == event {
				all = append(all[:len(all):len(all)], missed)
			}
			fired := run(t, w, alert, known, all, goesOn, false, until)
			for life, at := range run(t, w, alert, known, lives[:1], goesOn, true, until) {
				require.Equal(t, "nothing", life)
				// Meanwhile it is as it was.
				at[1], at[2] = at[0], at[0]
				fired["prometheus"] = at
			}
			// A lasting condition is reported again within the alert's `for` and an hour.
			again := int((time.Duration(alert.For) + time.Hour) / time.Minute)
			for _, life := range []string{"nothing", "restart", "gap", "upgrade", "gone", "first", "prometheus", "missed"} {
				if life != "missed" || row.kind == event {
					check(t, row, life, fired[life], again, end, int(time.Duration(alert.For)/time.Minute))
				}
			}
		})
	}
}

func check(t *testing.T, row expectation, life string, fired map[int]bool, again, end, hold int) {
	t.Helper()
	if row.but[life] != "" {
		return
	}
	if life != "first" && life != "missed" && !fired[0] {
		t.Errorf("%s, %s: it does not fire", t.Name(), life)
	}
	switch {
	case row.kind == event:
		for minute := range end {
			if fired[minute+1] && !fired[minute] && minute >= 0 && life != "missed" {
				t.Errorf("%s, %s: it fires anew %d minutes later", t.Name(), life, minute+1)
			}
		}
		if fired[end] {
			t.Errorf("%s, %s: it never ends", t.Name(), life)
		}
		if life == "missed" && len(between(fired, 16, 21+hold)) == 0 {
			t.Errorf("%s, %s: it tells nothing of what happened meanwhile", t.Name(), life)
		}
		if life == "first" && len(fired) > 0 {
			t.Errorf("%s, %s: it takes an old count for a new one", t.Name(), life)
		}
	case life == "gone":
		if fired[end] {
			t.Errorf("%s, %s: it never ends", t.Name(), life)
		}
	case !fired[again]:
		t.Errorf("%s, %s: it does not fire again", t.Name(), life)
	}
}

// A scenario in which an alert must not fire stays quiet after a restart, a gap, an upgrade, and so
// on.
func TestHarmlessLives(t *testing.T) {
	known, byName := rules(t), alerts(t)
	_, quiet := unitTests(t)
	for name, row := range matrix {
		if row.kind == always {
			continue
		}
		for _, w := range quiet[name] {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				alert := byName[name]
				until := min(horizon(alert.Expr, alert.For), 5*time.Hour)
				fired := run(t, w, alert, known, lives, false, false, until)
				if slices.Contains(forNow, w.name) {
					require.NotEmpty(t, fired["nothing"], "it need not be among forNow")
					return
				}
				for life, at := range fired {
					if rightly[name][life] != "" {
						continue
					}
					if minutes := between(at, 1, int(until/time.Minute)); len(minutes) > 0 {
						t.Errorf("%s, %s: it fires %v minutes later", t.Name(), life, minutes[0])
					}
				}
			})
		}
	}
}

// TestEveryAlertHasItsAnalysis: docs/false-positives.md has a row for each.
func TestEveryAlertHasItsAnalysis(t *testing.T) {
	page, err := os.ReadFile("../../docs/false-positives.md")
	require.NoError(t, err)
	rows := map[string]int{}
	for _, match := range regexp.MustCompile(`(?m)^\| (\w+) \| [^|]+ \|[^|]*\|[^|]*\|$`).FindAllStringSubmatch(string(page), -1) {
		rows[match[1]]++
	}
	delete(rows, "alert")
	for name := range alerts(t) {
		require.Equal(t, 1, rows[name], name)
		delete(rows, name)
	}
	require.Empty(t, rows)
	// Every setting that it names exists.
	config, err := os.ReadFile(prometheus + "/generate/config.yaml")
	require.NoError(t, err)
	for _, match := range regexp.MustCompile("`([a-z]+_[a-z_]+|least|success)`").FindAllStringSubmatch(string(page), -1) {
		if match[1] != "host_name" && match[1] != "service_version" {
			require.Contains(t, string(config), match[1]+":", match[1])
		}
	}
}
