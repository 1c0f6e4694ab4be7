//go:build stack

package stack

import (
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// withoutLimits is an alert's expression without its thresholds: comparisons with a number fall
// away, those of two series become a difference, so that their labels still have to match. Each
// side of an "or" is one to ask for, and of an "unless" the left one.
func withoutLimits(expr parser.Expr) []parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return each(withoutLimits(e.Expr), func(inner parser.Expr) parser.Expr { return &parser.ParenExpr{Expr: inner} })
	case *parser.AggregateExpr:
		return each(withoutLimits(e.Expr), func(inner parser.Expr) parser.Expr {
			same := *e
			same.Expr = inner
			return &same
		})
	case *parser.BinaryExpr:
		return binaryWithoutLimits(e)
	default:
		return []parser.Expr{expr}
	}
}

func binaryWithoutLimits(e *parser.BinaryExpr) []parser.Expr {
	left := withoutLimits(e.LHS)
	switch {
	case e.Op == parser.LOR:
		return append(left, withoutLimits(e.RHS)...)
	case e.Op == parser.LUNLESS:
		return left
	case e.Op.IsComparisonOperator() && e.RHS.Type() == parser.ValueTypeScalar:
		return left
	}
	op, matching := e.Op, e.VectorMatching
	if e.Op.IsComparisonOperator() {
		op = parser.SUB
	}
	var all []parser.Expr
	for _, l := range left {
		for _, r := range withoutLimits(e.RHS) {
			all = append(all, &parser.BinaryExpr{Op: op, LHS: l, RHS: r, VectorMatching: matching})
		}
	}
	return all
}

func each(all []parser.Expr, wrap func(parser.Expr) parser.Expr) []parser.Expr {
	for n, e := range all {
		all[n] = wrap(e)
	}
	return all
}

func TestWithoutLimits(t *testing.T) {
	for text, want := range map[string][]string{
		`a > 1`:                               {`a`},
		`a / (b > 0) > 0.2`:                   {`a / (b)`},
		`a < on (host) b`:                     {`a - on (host) b`},
		`a == 1 and on (host) b > 2`:          {`a and on (host) b`},
		`a > 0 or b > 0`:                      {`a`, `b`},
		`(a > 0 or b > 0) and c == 1`:         {`(a) and c`, `(b) and c`},
		`a unless a offset 10m`:               {`a`},
		`sum by (host) (a > 0 or b > 0)`:      {`sum by (host) (a)`, `sum by (host) (b)`},
		`max by (x) (rate(a[5m])) > 2 * 3600`: {`max by (x) (rate(a[5m]))`},
		`vector(1)`:                           {`vector(1)`},
	} {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		require.NoError(t, err)
		var got []string
		for _, e := range withoutLimits(expr) {
			got = append(got, e.String())
		}
		require.Equal(t, want, got, text)
	}
}
