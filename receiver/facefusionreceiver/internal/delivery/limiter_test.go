package delivery

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadatatest"
)

// xid is an event of a GPU.
func xid(gpu string, code int64) plog.Logs {
	logs := event("facefusion.gpu.xid")
	attributes := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	attributes.PutStr("hw.id", gpu)
	attributes.PutInt("nvidia.xid.code", code)
	return logs
}

// started is an event of an instance.
func started(instance string, pid int64) plog.Logs {
	logs := event("facefusion.process.started")
	logs.ResourceLogs().At(0).Resource().Attributes().PutStr("service.instance.id", instance)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutInt("process.pid", pid)
	return logs
}

// bodies are those of the events with a name that arrived, by instance.
func bodies(sink *consumertest.LogsSink, name string) map[string][]string {
	found := map[string][]string{}
	for _, logs := range sink.AllLogs() {
		if eventName(logs) != name {
			continue
		}
		instance := ""
		if id, ok := logs.ResourceLogs().At(0).Resource().Attributes().Get("service.instance.id"); ok {
			instance = id.Str()
		}
		found[instance] = append(found[instance], logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
	}
	return found
}

// TestExcessEventsAreSuppressedAndSummarized: so many at once, then one each second; what was
// suppressed is counted, and summarized once a minute and at the end. Nothing else is suppressed.
func TestExcessEventsAreSuppressedAndSummarized(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		arrived := new(consumertest.LogsSink)
		queue := s.ConnectLogs(arrived)
		begin(t, queue)
		for range eventBurst + 1000 {
			s.Event(xid("GPU-1", 31))
		}
		s.Event(xid("GPU-1", 79))
		s.Event(xid("GPU-2", 31))
		s.Event(started("facefusion-3f2a", 1))
		synctest.Wait()
		require.Equal(t, eventBurst+3, arrived.LogRecordCount())

		time.Sleep(summaryInterval + time.Second/2)
		require.Equal(t, map[string][]string{"": {"1000 more facefusion.gpu.xid events were held back within a minute"}}, bodies(arrived, "facefusion.event.suppressed"))
		for range 1000 {
			s.Event(xid("GPU-1", 31))
		}
		time.Sleep(time.Second)
		for pid := range int64(eventBurst + 5) {
			s.Event(started("facefusion-3f2a", pid))
			s.Event(started("studio", pid))
		}
		end(t, queue)
		require.Equal(t, map[string][]string{
			"": {
				"1000 more facefusion.gpu.xid events were held back within a minute",
				// After a minute sixty are allowed.
				"940 more facefusion.gpu.xid events were held back within a minute",
			},
			"facefusion-3f2a": {"5 more facefusion.process.started events were held back within a minute"},
			"studio":          {"5 more facefusion.process.started events were held back within a minute"},
		}, bodies(arrived, "facefusion.event.suppressed"))
		require.Zero(t, s.dropped(t), "what is suppressed is not lost")
		metadatatest.AssertEqualReceiverFacefusionEventsSuppressed(t, s.tel, []metricdata.DataPoint[int64]{
			{Value: 1940, Attributes: attribute.NewSet(attribute.String("receiver", "facefusion"), attribute.String("event", "facefusion.gpu.xid"))},
			{Value: 10, Attributes: attribute.NewSet(attribute.String("receiver", "facefusion"), attribute.String("event", "facefusion.process.started"))},
		}, metricdatatest.IgnoreTimestamp())
	})
}

// TestBatchesAreNeverSuppressed: a folder of finished jobs that is moved in at once is a thousand
// events, each sent exactly once.
func TestBatchesAreNeverSuppressed(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		arrived := new(consumertest.LogsSink)
		queue := s.ConnectLogs(arrived)
		begin(t, queue)
		for range 10 * eventBurst {
			s.SendLogs(event("facefusion.job.state_changed"), nil)
			synctest.Wait()
		}
		end(t, queue)
		require.Equal(t, 10*eventBurst, arrived.LogRecordCount())
	})
}

// TestTheKindsOfTheLimiterAreBounded: what is remembered is, and what has been quiet makes room.
func TestTheKindsOfTheLimiterAreBounded(t *testing.T) {
	l, now := newEventLimiter(), time.Unix(1_800_000_000, 0)
	allowed := func(gpu string) bool {
		logs := xid(gpu, 13)
		return l.allow(pcommon.NewResource(), logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0), now)
	}
	for i := range maxKinds {
		require.True(t, allowed(fmt.Sprint(i)))
	}
	for i := range eventBurst {
		require.True(t, allowed(fmt.Sprint("another ", i)))
	}
	require.False(t, allowed("one more"), "they share one limit")
	require.True(t, allowed("7"), "those with a limit of their own do not")
	require.Len(t, l.kinds, maxKinds)
	now = now.Add(time.Minute)
	require.True(t, allowed("one more"))
	require.Len(t, l.kinds, 1)
}
