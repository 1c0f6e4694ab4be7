package deploy

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	rulespkg "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"
)

// scenario is the series of a unit test, and their continuation after it.
type scenario struct {
	name     string
	series   []sequence
	interval time.Duration
	// end is when the unit test evaluates the alert: after it, the scenario is changed.
	end time.Duration
}

type sequence struct {
	labels labels.Labels
	values []parser.SequenceValue
}

// at is the value at a time; after the last value of the test it continues with the same slope, or
// stays.
func (s sequence) at(t, interval time.Duration, goesOn bool) (float64, bool) {
	i, last := int(t/interval), len(s.values)-1
	if i <= last {
		return s.values[i].Value, !s.values[i].Omitted
	}
	if s.values[last].Omitted {
		return 0, false
	}
	v := s.values[last].Value
	if goesOn && last > 0 && !s.values[last-1].Omitted {
		v += float64(i-last) * (v - s.values[last-1].Value)
	}
	return v, true
}

// counts says whether a series begins at zero when the agent does.
func (s sequence) counts() bool {
	name := s.labels.Get(labels.MetricName)
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_seconds_count") || strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_bucket") ||
		regexp.MustCompile(`^otelcol_.*(_failures|_dropped|_uptime|_refused_|_failed_|observations)`).MatchString(name)
}

// A life is what happens to a scenario after its end. It returns the value t after the end, and
// whether there is one.
type life struct {
	name string
	do   func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool)
}

const gap = 16 * time.Minute

// away is what Prometheus sees of a page that does not answer: up is 0, and the rest is gone.
func away(s sequence) (float64, bool) {
	return 0, s.labels.Get(labels.MetricName) == "up"
}

var lives = []life{
	{"nothing", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		return s.at(w.end+t, w.interval, goesOn)
	}},
	{"restart", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		if t > 0 && t <= time.Minute {
			return away(s)
		}
		v, ok := s.at(w.end+t, w.interval, goesOn)
		if before, was := s.at(w.end, w.interval, goesOn); t > 0 && was && s.counts() {
			v -= before
		}
		return v, ok
	}},
	{"gap", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		if t > 0 && t <= gap {
			return away(s)
		}
		return s.at(w.end+t, w.interval, goesOn)
	}},
	// The version is on an info metric: nothing else changes (infoOf).
	{"upgrade", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		return s.at(w.end+t, w.interval, goesOn)
	}},
	// Its targets are taken away as well.
	{"gone", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		v, ok := s.at(w.end+t, w.interval, goesOn)
		return v, ok && t <= 0
	}},
	{"first", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
		v, ok := s.at(w.end+t, w.interval, goesOn)
		return v, ok && t >= 0
	}},
}

// missed: the events of the test occur while Prometheus is away.
var missed = life{"missed", func(w scenario, s sequence, t time.Duration, goesOn bool) (float64, bool) {
	switch {
	case t <= 0:
		return s.at(0, w.interval, goesOn)
	case t <= gap:
		return away(s)
	}
	return s.at(w.end, w.interval, goesOn)
}}

// renamed gives the series of a life a host of its own, or an instance where there is no host.
func renamed(l labels.Labels, life string) labels.Labels {
	b := labels.NewBuilder(l)
	for _, name := range []string{"host_name", "instance"} {
		if old := l.Get(name); old != "" {
			return b.Set(name, old+"~"+life).Labels()
		}
	}
	return b.Set("host_name", "~"+life).Labels()
}

// infoOf are the info metrics of the instances of a scenario: an upgrade makes others of them.
func infoOf(w scenario, life string, t time.Duration) map[string]labels.Labels {
	all := map[string]labels.Labels{}
	version := "3.8.0"
	if life == "upgrade" && t > 0 {
		version = "3.8.1"
	}
	for _, s := range w.series {
		id := s.labels.Get("service_instance_id")
		if id == "" {
			continue
		}
		info := labels.FromStrings(labels.MetricName, "facefusion_instance_info", "host_name", s.labels.Get("host_name"), "job", "facefusion", "service_instance_id", id, "service_version", version)
		all[s.labels.Get("host_name")+id] = renamed(info, life)
	}
	return all
}

// run evaluates an alert over the lives of a scenario, and returns the minutes after the end at
// which it fired, by life. If restarted, Prometheus itself is away for two minutes after the end.
func run(t *testing.T, w scenario, alert rulefmt.Rule, known []rulefmt.Rule, all []life, goesOn, restarted bool, horizon time.Duration) map[string]map[int]bool {
	t.Helper()
	db := teststorage.New(t)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, NoStepSubqueryIntervalFn: func(int64) int64 { return 60000 }})
	defer engine.Close()
	group := groupOf(t, db, engine, alert, known, true)
	fired := map[string]map[int]bool{}
	played := make([][]*playing, len(all))
	for i, life := range all {
		for _, s := range w.series {
			played[i] = append(played[i], &playing{labels: renamed(s.labels, life.name)})
		}
	}
	begin := -w.end
	step, last := time.Minute, begin
	for now := begin; now <= horizon; now += step {
		// Earlier days are sampled coarsely.
		if step = time.Minute; now < -4*time.Hour {
			step = 5 * time.Minute
		}
		if restarted && now > 0 && now <= 2*time.Minute {
			continue
		}
		from := last + time.Second
		if now == begin {
			from = now
		}
		last = now

		app := db.Appender(t.Context())
		for at := from; at <= now; at += time.Second {
			// Long after what happens, a sample in two minutes is enough.
			if (at-begin)%min(w.interval, time.Minute) != 0 || (at > 40*time.Minute && at%(2*time.Minute) != 0) {
				continue
			}
			for i, life := range all {
				for n, s := range w.series {
					v, ok := life.do(w, s, at, goesOn)
					require.NoError(t, played[i][n].add(app, at, at-begin, v, ok))
				}
				for _, l := range infoOf(w, life.name, at) {
					_, err := app.Append(0, l, ms(at-begin), 1)
					require.NoError(t, err)
				}
			}
		}
		require.NoError(t, app.Commit())
		when := timestamp.Time(ms(now - begin))
		if restarted && now == 3*time.Minute {
			group = groupOf(t, db, engine, alert, known, false)
			group.Eval(t.Context(), when)
			group.RestoreForState(when)
		}
		group.Eval(t.Context(), when)
		for _, rule := range group.Rules() {
			require.NoError(t, rule.LastError(), rule.Name())
		}
		for _, rule := range group.AlertingRules() {
			for _, a := range rule.ActiveAlerts() {
				if a.State != rulespkg.StateFiring {
					continue
				}
				match := regexp.MustCompile(`~(\w+)`).FindStringSubmatch(a.Labels.String())
				require.NotNil(t, match, "%s", a.Labels)
				if fired[match[1]] == nil {
					fired[match[1]] = map[int]bool{}
				}
				fired[match[1]][int(now/time.Minute)] = true
			}
		}
	}
	return fired
}

// playing is a series of a life.
type playing struct {
	labels labels.Labels
	ref    storage.SeriesRef
	there  bool
}

// add appends a sample, or the mark that there is none any more.
func (p *playing) add(app storage.Appender, at, when time.Duration, v float64, ok bool) (err error) {
	if !ok && (!p.there || at <= 0) {
		return nil
	}
	if !ok {
		v = math.Float64frombits(value.StaleNaN)
	}
	p.there = ok
	p.ref, err = app.Append(p.ref, p.labels, ms(when), v)
	return err
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

// groupOf is an alert with the records that it needs, as a group of Prometheus.
func groupOf(t *testing.T, db *teststorage.TestStorage, engine *promql.Engine, alert rulefmt.Rule, known []rulefmt.Rule, restored bool) *rulespkg.Group {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	var all []rulespkg.Rule
	seen := map[string]bool{}
	var need func(expr string)
	need = func(text string) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		require.NoError(t, err)
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok || seen[selector.Name] {
				return nil
			}
			for _, rule := range known {
				if rule.Record == selector.Name {
					seen[rule.Record] = true
					need(rule.Expr)
					record, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
					require.NoError(t, err)
					all = append(all, rulespkg.NewRecordingRule(rule.Record, record, labels.FromMap(rule.Labels)))
				}
			}
			return nil
		})
	}
	need(alert.Expr)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(alert.Expr)
	require.NoError(t, err)
	all = append(all, rulespkg.NewAlertingRule(alert.Alert, expr, time.Duration(alert.For), time.Duration(alert.KeepFiringFor), labels.FromMap(alert.Labels), labels.EmptyLabels(), labels.EmptyLabels(), "", restored, logger))
	return rulespkg.NewGroup(rulespkg.GroupOptions{Name: "test", File: "test", Interval: time.Minute, Rules: all, Opts: &rulespkg.ManagerOptions{
		QueryFunc: rulespkg.EngineQueryFunc(engine, db), AppendableV2: db, Queryable: db, Context: t.Context(), Logger: logger,
		NotifyFunc: func(context.Context, string, ...*rulespkg.Alert) {}, OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Minute,
	}})
}

// between are the minutes at which it fired, of some.
func between(fired map[int]bool, from, to int) []int {
	var all []int
	for _, minute := range slices.Sorted(maps.Keys(fired)) {
		if minute >= from && minute <= to {
			all = append(all, minute)
		}
	}
	return all
}
