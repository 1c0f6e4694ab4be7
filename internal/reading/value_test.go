package reading_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func TestSum(t *testing.T) {
	assert.Equal(t, reading.Known(5.0), reading.Sum(reading.Known(2.0), reading.Known(3.0)))
	var absent reading.Value[int64]
	assert.False(t, reading.Sum(reading.Known[int64](2), absent).Known)
	assert.False(t, reading.Sum(absent, reading.Known[int64](3)).Known)
}
