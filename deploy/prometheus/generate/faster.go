package main

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// shortest is the shortest time that hasten makes of another.
const shortest = time.Second

// hasten divides every time of a rule by the setting "faster": how long it looks back, and how long
// an alert waits. Numbers of seconds that are compared with a value of a metric stay.
func (c config) hasten(rule *yaml.Node) error {
	by, err := c.faster()
	if err != nil || by == 1 {
		return err
	}
	if err := c.divide(value(rule, "for")); err != nil {
		return err
	}
	expr := value(rule, "expr")
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr.Value)
	if err != nil {
		return err
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.MatrixSelector:
			node.Range = shorter(node.Range, by)
		case *parser.SubqueryExpr:
			node.Range, node.Step, node.OriginalOffset = shorter(node.Range, by), shorter(node.Step, by), shorter(node.OriginalOffset, by)
		case *parser.VectorSelector:
			node.OriginalOffset = shorter(node.OriginalOffset, by)
		}
		return nil
	})
	expr.Value = parsed.String()
	return nil
}

// faster is the setting.
func (c config) faster() (int, error) {
	by, _ := c["faster"].(int)
	if by < 1 {
		return 0, fmt.Errorf("faster: %v is not a number of times, 1 or more", c["faster"])
	}
	return by, nil
}

// divide shortens a time of the document, where there is one.
func (c config) divide(node *yaml.Node) error {
	by, err := c.faster()
	if err != nil || by == 1 || node == nil {
		return err
	}
	length, err := model.ParseDuration(node.Value)
	if err != nil {
		return err
	}
	node.Value = model.Duration(shorter(time.Duration(length), by)).String()
	return nil
}

func shorter(d time.Duration, by int) time.Duration {
	if d == 0 {
		return 0
	}
	return max(shortest, d/time.Duration(by)).Round(time.Millisecond)
}
