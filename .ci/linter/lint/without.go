// Package lint is what build.sh adds to the copy of Grafana's dashboard-linter, in place of what it
// takes out: the rules for Loki's queries and the second schema of dashboards need modules of
// Grafana that are not on the module proxy, and no dashboard here has either.
package lint

import (
	"encoding/json"
	"errors"
)

func isV2APIVersion(version string) bool { return version != "" }

func newDashboardFromV2(json.RawMessage, string) (Dashboard, error) {
	return Dashboard{}, errors.ErrUnsupported
}

// NewTargetLogQLRule says of each query for Loki that nobody has looked at it.
func NewTargetLogQLRule() Rule {
	return NewTargetRuleFunc("target-logql-rule", "LogQL is not looked at.", func(d Dashboard, p Panel, t Target) (r TargetRuleResults) {
		if source := getTemplateDatasource(d); source == nil || source.Query != Prometheus {
			r.AddError(d, p, t, "no query for Prometheus: it cannot be looked at")
		}
		return r
	})
}

// NewTargetLogQLAutoRule is part of the other.
func NewTargetLogQLAutoRule() Rule { return NewTargetLogQLRule() }
