//go:build stack

package stack

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// testAnswers asks whatever deploy/ asks, over the last day. No answer needs a reason, and a reason
// needs to be needed. That no name is misspelt, there as well where nothing answers, is known in
// test/deploy.
func testAnswers(t *testing.T, p *prometheus) {
	reasons := mayBeEmpty(t)
	asked := append(ofRules(t), ofDashboards(t)...)
	known := map[string]bool{}
	for _, q := range asked {
		known[q.where] = true
		series, err := p.day(t, q.expr)
		switch _, allowed := reasons[q.where]; {
		case err != nil:
			t.Errorf("%s: %v\n\t%s", q.where, err, q.expr)
		case series == 0 && !allowed:
			t.Errorf("%s: no data within a day, and empty.yaml has no reason for it\n\t%s", q.where, q.expr)
		case series > 0 && allowed:
			t.Errorf("%s: has data, the reason in empty.yaml is not needed", q.where)
		}
	}
	for where := range reasons {
		if !known[where] {
			t.Errorf("%s: nobody asks that, the reason in empty.yaml is not needed", where)
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
