package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	eventRow  = regexp.MustCompile("(?m)^\\| `(facefusion\\.[a-z_.]+)` \\| ([^|]+) \\|")
	quotation = regexp.MustCompile("`([^`]+)`")
)

// TestEventsHaveTheAttributesThatAreSent: one that metadata.yaml renames has the new name.
func TestEventsHaveTheAttributesThatAreSent(t *testing.T) {
	_, events, found := strings.Cut(read(t, "../../docs/metrics.md"), "\n## Events\n")
	require.True(t, found)
	events, _, _ = strings.Cut(events, "\n## ")
	_, sent, found := strings.Cut(read(t, "../../receiver/facefusionreceiver/documentation.md"), "\n## Default Events\n")
	require.True(t, found)
	rows := eventRow.FindAllStringSubmatch(events, -1)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		for _, attribute := range quotation.FindAllStringSubmatch(row[2], -1) {
			assert.Contains(t, sent, "\n| "+attribute[1]+" |", row[1])
		}
	}
}
