package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// received is what the Collector's own metric of receivers counts.
func (s *sinkTest) received(t *testing.T, name string) int64 {
	t.Helper()
	m, err := s.tel.GetMetric("otelcol_receiver_" + name)
	if err != nil {
		require.ErrorContains(t, err, "not found") // nothing was counted yet
		return 0
	}
	points := m.Data.(metricdata.Sum[int64]).DataPoints
	require.Len(t, points, 1)
	id, _ := points[0].Attributes.Value("receiver")
	require.Equal(t, "facefusion", id.AsString())
	return points[0].Value
}

// TestReceivedRecordsAreCounted as those of every receiver: an event that took three attempts is
// accepted once, one that is refused for good is refused once, and so is what found no room.
func TestReceivedRecordsAreCounted(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		refusals := 2
		p := &fakePipeline{answer: func(ctx context.Context, name string) error {
			switch {
			case name == "refused":
				return consumererror.NewPermanent(errRefused)
			case name == "stuck":
				<-ctx.Done()
				return ctx.Err()
			case refusals > 0:
				refusals--
				return errRefused
			}
			return nil
		}}
		events := s.ConnectLogs(p)
		begin(t, events)
		s.Event(event("retried"))
		s.send("refused")
		s.send("at once")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, int64(2), s.received(t, "accepted_log_records"))
		require.Equal(t, int64(1), s.received(t, "refused_log_records"))
		s.send("stuck")
		synctest.Wait()
		for range queueCapacity + 3 {
			s.send("waits")
		}
		require.Equal(t, int64(4), s.received(t, "refused_log_records"))
		end(t, events)
	})
}

func TestReceivedSpansAreCounted(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		accept := true
		next, err := consumer.NewTraces(func(context.Context, ptrace.Traces) error {
			if !accept {
				return consumererror.NewPermanent(errRefused)
			}
			return nil
		})
		require.NoError(t, err)
		spans := s.ConnectTraces(next)
		begin(t, spans)
		s.SendTraces(span(), nil)
		s.SendTraces(span(), nil)
		synctest.Wait()
		accept = false
		s.SendTraces(span(), nil)
		synctest.Wait()
		require.Equal(t, int64(2), s.received(t, "accepted_spans"))
		require.Equal(t, int64(1), s.received(t, "refused_spans"))
		end(t, spans)
		require.Zero(t, s.received(t, "accepted_log_records"))
	})
}
