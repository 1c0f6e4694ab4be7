package facefusionreceiver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadatatest"
)

func event() plog.Logs {
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetEventName("facefusion.process.started")
	return logs
}

func connect(s *sink, next consumer.Logs) { s.logs.Store(&next) }

// testSink is a sink whose drops and log lines can be looked at.
func testSink(t *testing.T) (*sink, *zapobserver.ObservedLogs, func() int64) {
	tel := componenttest.NewTelemetry()
	builder, err := metadata.NewTelemetryBuilder(tel.NewTelemetrySettings())
	require.NoError(t, err)
	core, logs := zapobserver.New(zap.InfoLevel)
	dropped := func() int64 {
		var n int64
		if m, err := tel.GetMetric("otelcol_receiver_facefusion_events_dropped"); err == nil {
			n = m.Data.(metricdata.Sum[int64]).DataPoints[0].Value
			metadatatest.AssertEqualReceiverFacefusionEventsDropped(t, tel, []metricdata.DataPoint[int64]{{Value: n}}, metricdatatest.IgnoreTimestamp())
		}
		return n
	}
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	return newSink(zap.New(core), builder), logs, dropped
}

func TestSinkDelivers(t *testing.T) {
	s, _, dropped := testSink(t)
	synctest.Test(t, func(t *testing.T) {
		next := new(consumertest.LogsSink)
		require.False(t, s.WantsLogs())
		connect(s, next)
		require.True(t, s.WantsLogs())
		s.queue = make(chan parcel, sinkCapacity) // belongs to this bubble
		s.start()
		s.Logs(event())
		s.Logs(event())
		synctest.Wait()
		require.Equal(t, 2, next.LogRecordCount())
		s.logs.Store(nil)
		require.False(t, s.WantsLogs())
		s.stop()
	})
	require.Zero(t, dropped())
}

func TestSinkConsumerReturnsAnError(t *testing.T) {
	s, logs, dropped := testSink(t)
	synctest.Test(t, func(t *testing.T) {
		broken := true
		next, err := consumer.NewLogs(func(context.Context, plog.Logs) error {
			if broken {
				return errors.New("queue is full")
			}
			return nil
		})
		require.NoError(t, err)
		connect(s, next)
		s.queue = make(chan parcel, sinkCapacity)
		s.start()
		for range 3 {
			s.Logs(event())
		}
		synctest.Wait()
		broken = false
		s.Logs(event())
		synctest.Wait()
		s.stop()
	})
	require.Equal(t, int64(3), dropped())
	require.Equal(t, 2, logs.Len(), "told once that it fails, once that it does not any more")
}

func TestSinkConsumerBlocks(t *testing.T) {
	s, _, dropped := testSink(t)
	synctest.Test(t, func(t *testing.T) {
		next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
			<-ctx.Done()
			return ctx.Err()
		})
		require.NoError(t, err)
		connect(s, next)
		s.queue = make(chan parcel, sinkCapacity)
		s.start()
		s.Logs(event())
		synctest.Wait() // it is stuck in the consumer
		for range sinkCapacity + 7 {
			s.Logs(event()) // returns at once
		}
		s.stop()
	})
	require.Equal(t, int64(sinkCapacity+7+1), dropped(), "those without room, those that waited, and the one in the consumer's hands")
}
