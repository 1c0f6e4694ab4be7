package facefusionreceiver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadatatest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// sick is a probe that says how it is, and does nothing else.
type sick struct {
	probe.Probe
	health poll.LoopHealth
}

func (s sick) Name() string            { return "web" }
func (s sick) Health() poll.LoopHealth { return s.health }

// TestTwoReceiversHaveTheirOwnNumbers: in one collector, each with failures of its own, by their
// kind.
func TestTwoReceiversHaveTheirOwnNumbers(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	for _, r := range []struct {
		id     string
		health poll.LoopHealth
	}{
		{"facefusion", poll.LoopHealth{Observations: 7, Started: time.Now()}},
		{"facefusion/second", poll.LoopHealth{Observations: 9, FailuresBy: map[poll.ErrorType]uint64{poll.Timeout: 3, poll.Other: 2}, Started: time.Now()}},
	} {
		builder, err := metadata.NewTelemetryBuilder(tel.NewTelemetrySettings())
		require.NoError(t, err)
		t.Cleanup(builder.Shutdown)
		var id component.ID
		require.NoError(t, id.UnmarshalText([]byte(r.id)))
		require.NoError(t, registerTelemetry(builder, id, []probe.Probe{sick{health: r.health}}, hostfs.NewGate(hostfs.Settings{})))
	}
	point := func(n int64, receiver string, more ...attribute.KeyValue) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(append(more, attribute.String("receiver", receiver), attribute.String("probe", "web"))...)}
	}
	kind := func(k string) attribute.KeyValue { return attribute.String("error.type", k) }
	metadatatest.AssertEqualReceiverFacefusionObservations(t, tel, []metricdata.DataPoint[int64]{
		point(7, "facefusion"), point(9, "facefusion/second"),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualReceiverFacefusionObservationFailures(t, tel, []metricdata.DataPoint[int64]{
		point(0, "facefusion", kind("other")), point(2, "facefusion/second", kind("other")), point(3, "facefusion/second", kind("timeout")),
	}, metricdatatest.IgnoreTimestamp())
}
