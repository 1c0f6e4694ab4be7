package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// evaluateAll writes the results of the rules as one block for each of the spans.
func evaluateAll(ctx context.Context, dir string, rules []rulefmt.Rule, end time.Time) (err error) {
	sandbox, err := os.MkdirTemp("", "history")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sandbox)) }()
	// Where the blocks end, it looks for what came after them, and there has to be a place for it.
	if err := os.MkdirAll(filepath.Join(dir, "wal"), 0o777); err != nil {
		return err
	}
	db, err := tsdb.OpenDBReadOnly(dir, sandbox, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 200e6, Timeout: 10 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true})
	for _, sp := range spans(end) {
		if err := writeBlock(ctx, dir, func(app func() storage.Appender) error { return evaluate(ctx, engine, db, app, rules, sp, end) }); err != nil {
			return fmt.Errorf("evaluate the rules from %s: %w", sp.begin.Format(time.RFC3339), err)
		}
	}
	return nil
}

func evaluate(ctx context.Context, engine *promql.Engine, db storage.Queryable, appender func() storage.Appender, rules []rulefmt.Rule, sp span, end time.Time) error {
	for _, rule := range rules {
		every := interval(rule, sp)
		if rule.Alert != "" && end.Sub(sp.begin) > 27*time.Hour {
			continue // alerts of long ago are not needed
		}
		query, err := engine.NewRangeQuery(ctx, db, nil, rule.Expr, sp.begin, sp.end.Add(-time.Millisecond), every)
		if err != nil {
			return fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err)
		}
		matrix, err := query.Exec(ctx).Matrix()
		if err != nil {
			return fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err)
		}
		app := appender()
		if rule.Alert != "" {
			err = fired(app, rule, matrix, every)
		} else {
			err = recorded(app, rule, matrix)
		}
		query.Close()
		if err != nil {
			return errors.Join(fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err), app.Rollback())
		}
		if err := app.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// interval of the evaluation: a minute for the last day. What looks back over a day or more changes
// slowly and costs much; so does what is long ago. No more than the five minutes that Prometheus
// looks back for a value.
func interval(rule rulefmt.Rule, sp span) time.Duration {
	every := time.Minute
	if sp.every > 15*time.Second {
		every = 4 * time.Minute
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
	if err != nil {
		return every
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if matrix, ok := node.(*parser.MatrixSelector); ok && matrix.Range >= 6*time.Hour {
			every = 4 * time.Minute
		}
		return nil
	})
	return every
}

func recorded(app storage.Appender, rule rulefmt.Rule, matrix promql.Matrix) error {
	for _, series := range matrix {
		b := labels.NewBuilder(series.Metric)
		b.Set(model.MetricNameLabel, rule.Record)
		for name, value := range rule.Labels {
			b.Set(name, value)
		}
		for _, point := range series.Floats {
			if _, err := app.Append(0, b.Labels(), point.T, point.F); err != nil {
				return err
			}
		}
	}
	return nil
}

// fired writes ALERTS as Prometheus does: pending, until the expression has been true for as long
// as the rule says, then firing.
func fired(app storage.Appender, rule rulefmt.Rule, matrix promql.Matrix, every time.Duration) error {
	for _, series := range matrix {
		b := labels.NewBuilder(series.Metric)
		for name, value := range rule.Labels {
			b.Set(name, value)
		}
		b.Set(model.MetricNameLabel, "ALERTS")
		b.Set("alertname", rule.Alert)
		var since, before int64
		for n, point := range series.Floats {
			if n == 0 || point.T-before > every.Milliseconds() {
				since = point.T
			}
			before = point.T
			b.Set("alertstate", "pending")
			if point.T-since >= time.Duration(rule.For).Milliseconds() {
				b.Set("alertstate", "firing")
			}
			if _, err := app.Append(0, b.Labels(), point.T, 1); err != nil {
				return err
			}
		}
	}
	return nil
}
