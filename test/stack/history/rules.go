package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// WriteRules evaluates the rules over a history, as if Prometheus had done so all the time: first
// the records, a record that needs another after it, then the alerts.
func WriteRules(ctx context.Context, dir string, files []string, end time.Time) error {
	records, alerts, err := load(files)
	if err != nil {
		return err
	}
	for len(records) > 0 {
		ready, later, err := split(records)
		if err != nil {
			return err
		}
		if err := evaluateAll(ctx, dir, ready, end); err != nil {
			return err
		}
		records = later
	}
	return evaluateAll(ctx, dir, alerts, end)
}

func load(files []string) (records, alerts []rulefmt.Rule, err error) {
	for _, file := range files {
		groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			return nil, nil, fmt.Errorf("read the rules %s: %w", file, errors.Join(errs...))
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				if rule.Record != "" {
					records = append(records, rule)
				} else {
					alerts = append(alerts, rule)
				}
			}
		}
	}
	return records, alerts, nil
}

// split returns the rules that depend on none of the others, and the rest.
func split(records []rulefmt.Rule) (ready, later []rulefmt.Rule, err error) {
	names := map[string]bool{}
	for _, rule := range records {
		names[rule.Record] = true
	}
	for _, rule := range records {
		waits := false
		for _, selector := range selectors(rule.Expr) {
			waits = waits || names[selector.Name]
		}
		if waits {
			later = append(later, rule)
		} else {
			ready = append(ready, rule)
		}
	}
	if len(ready) == 0 {
		return nil, nil, fmt.Errorf("rules need each other: %d of them", len(later))
	}
	return ready, later, nil
}

// selectors of an expression that is known to parse.
func selectors(text string) []*parser.VectorSelector {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil
	}
	var found []*parser.VectorSelector
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			found = append(found, selector)
		}
		return nil
	})
	return found
}
