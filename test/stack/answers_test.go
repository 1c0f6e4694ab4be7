//go:build stack

package stack

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// testAnswers asks whatever deploy/ asks, over the last day. No answer needs a reason, and a reason
// needs to be needed. That no name is misspelt, there as well where nothing answers, is known in
// test/deploy.
//
// What is wrong is said again by atEnd: the programs' logs follow a subtest's lines, and a reader
// who has the last page only would not know what failed.
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
		switch _, allowed := reasons[q.where]; {
		case err != nil:
			wrong("%s: %v\n\t%s", q.where, err, q.expr)
		case series == 0 && !allowed:
			wrong("%s: no data within a day, and empty.yaml has no reason for it\n\t%s", q.where, q.expr)
		case series > 0 && allowed:
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

// mayBeEmpty are the questions that have no answer on a host that is well, each with the reason.
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
