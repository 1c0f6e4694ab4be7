//go:build stack

package stack

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// testAnswers sends every query of deploy/ for the last day. A query without data needs a reason in
// empty.yaml, and a reason for a query with data is an error. test/deploy checks the names of
// metrics and labels.
//
// Errors are added to atEnd, which is logged last: the programs' logs follow a subtest's lines, and
// a reader of the last page only would not see what failed.
func testAnswers(t *testing.T, p *prometheus, atEnd *[]string) {
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format, args...)
		*atEnd = append(*atEnd, fmt.Sprintf(format, args...))
	}
	reasons := mayBeEmpty(t)
	asked := append(ofRules(t), ofDashboards(t)...)
	known := map[string]bool{}
	for _, q := range asked {
		known[q.where] = true
		series, err := p.day(t, q.expr)
		reason, allowed := reasons[q.where]
		switch {
		case err != nil:
			wrong("%s: %v\n\t%s", q.where, err, q.expr)
		case series == 0 && !allowed:
			wrong("%s: no data within a day, and empty.yaml has no reason for it\n\t%s", q.where, q.expr)
		case series > 0 && allowed && !strings.HasPrefix(reason, "perhaps:"):
			wrong("%s: has data, the reason in empty.yaml is not needed", q.where)
		}
	}
	for where := range reasons {
		if !known[where] {
			wrong("%s: nobody asks that, the reason in empty.yaml is not needed", where)
		}
	}
	t.Logf("%d questions, %d of them without an answer on a host that is well", len(asked), len(reasons))
}

// mayBeEmpty are the queries that have no data on a healthy host, each with the reason.
func mayBeEmpty(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("empty.yaml")
	require.NoError(t, err)
	var reasons map[string]string
	require.NoError(t, yaml.Unmarshal(data, &reasons))
	for where, reason := range reasons {
		require.NotEmpty(t, reason, where)
	}
	return reasons
}
