package process

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestABudgetIsPaidBack: ten processes of one user with 20,000 descriptors each are looked at once
// in twenty seconds, all together; another user's are looked at as ever.
func TestABudgetIsPaidBack(t *testing.T) {
	b := budget{perSecond: descriptorsPerSecond}
	taken, others := 0, 0
	for second := range time.Duration(60) {
		for range 10 {
			if b.take("uid 1000", 20_000, second*time.Second) {
				taken++
			}
		}
		if b.take("uid 1001", 60, second*time.Second) {
			others++
		}
	}
	require.Equal(t, 4, taken)
	require.Equal(t, 60, others)
	b.take("uid 1002", 1, time.Hour)
	require.Len(t, b.owners, 1, "who owes nothing is forgotten")
}
