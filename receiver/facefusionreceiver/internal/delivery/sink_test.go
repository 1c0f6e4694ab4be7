package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadatatest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// event is one with a name of its own.
func event(name string) plog.Logs {
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetEventName(name)
	return logs
}

func eventName(logs plog.Logs) string {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).EventName()
}

// span is a trace of one.
func span() ptrace.Traces {
	traces := ptrace.NewTraces()
	traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	return traces
}

// sinkTest is a sink whose drops, log lines and results can be read.
type sinkTest struct {
	*Sink
	tel *componenttest.Telemetry
	log *zapobserver.ObservedLogs

	mu      sync.Mutex
	results []probe.Result
}

// testSink runs a test of a sink in a bubble.
func testSink(t *testing.T, test func(t *testing.T, s *sinkTest)) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	builder, err := metadata.NewTelemetryBuilder(tel.NewTelemetrySettings())
	require.NoError(t, err)
	core, log := zapobserver.New(zap.InfoLevel)
	synctest.Test(t, func(t *testing.T) {
		set := receivertest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(core)
		set.ID = component.NewID(metadata.Type)
		set.MeterProvider = tel.NewTelemetrySettings().MeterProvider
		sink, err := NewSink(set, metadata.DefaultLogsBuilderConfig(), builder)
		require.NoError(t, err)
		test(t, &sinkTest{Sink: sink, tel: tel, log: log})
	})
}

// dropped is how many events were counted as dropped.
func (s *sinkTest) dropped(t *testing.T) int64 {
	m, err := s.tel.GetMetric("otelcol_receiver_facefusion_events_dropped")
	if err != nil {
		return 0
	}
	n := m.Data.(metricdata.Sum[int64]).DataPoints[0].Value
	metadatatest.AssertEqualReceiverFacefusionEventsDropped(t, s.tel, []metricdata.DataPoint[int64]{
		{Value: n, Attributes: attribute.NewSet(attribute.String("receiver", "facefusion"))},
	}, metricdatatest.IgnoreTimestamp())
	return n
}

// send hands over one event and keeps what becomes of it.
func (s *sinkTest) send(name string) {
	s.SendLogs(event(name), func(result probe.Result) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.results = append(s.results, result)
	})
}

// counts counts the results.
func (s *sinkTest) counts() map[probe.Result]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[probe.Result]int{}
	for _, result := range s.results {
		counts[result]++
	}
	return counts
}

// fakePipeline is a logs pipeline that a test makes behave as it likes.
type fakePipeline struct {
	answer  func(ctx context.Context, name string) error
	mutates bool
	// broken has everything refused, whatever the answer is.
	broken atomic.Bool

	mu       sync.Mutex
	attempts map[string]int
	taken    []string
}

func (p *fakePipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: p.mutates}
}

func (p *fakePipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	name := eventName(logs)
	if p.mutates {
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
	}
	p.mu.Lock()
	if p.attempts == nil {
		p.attempts = map[string]int{}
	}
	p.attempts[name]++
	p.mu.Unlock()
	if p.broken.Load() {
		return errRefused
	}
	if p.answer != nil {
		if err := p.answer(ctx, name); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, name)
	return nil
}

func (p *fakePipeline) tried(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts[name]
}

func (p *fakePipeline) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

func begin(t *testing.T, c component.Component) {
	t.Helper()
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
}

// end shuts a queue down, and returns how long that took.
func end(t *testing.T, c component.Component) time.Duration {
	t.Helper()
	from := time.Now()
	require.NoError(t, c.Shutdown(context.Background()))
	return time.Since(from)
}

var errRefused = errors.New("queue is full")

func TestSinkDelivers(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		require.False(t, s.WantsLogs())
		require.False(t, s.WantsTraces())
		s.send("nobody asked") // and nothing is lost
		events, spans := new(consumertest.LogsSink), new(consumertest.TracesSink)
		logs, traces := s.ConnectLogs(events), s.ConnectTraces(spans)
		require.True(t, s.WantsLogs())
		require.True(t, s.WantsTraces())
		s.Event(event("before the pipeline has started"))
		begin(t, logs)
		begin(t, traces)
		s.Event(event("then"))
		s.SendTraces(span(), nil)
		synctest.Wait()
		require.Equal(t, 2, events.LogRecordCount())
		require.Equal(t, 1, spans.SpanCount())
		require.Zero(t, end(t, logs))
		require.Zero(t, end(t, traces))
		require.False(t, s.WantsLogs())
		require.False(t, s.WantsTraces())
		require.Zero(t, s.dropped(t))
		require.Equal(t, map[probe.Result]int{probe.Abandoned: 1}, s.counts())
	})
}

// TestSinkConsumerReturnsAnError a few times: what was refused arrives all the same, in order, and
// is reported once.
func TestSinkConsumerReturnsAnError(t *testing.T) {
	for _, mutates := range []bool{false, true} {
		testSink(t, func(t *testing.T, s *sinkTest) {
			refusals := 7
			p := &fakePipeline{mutates: mutates, answer: func(context.Context, string) error {
				if refusals--; refusals >= 0 {
					return errRefused
				}
				return nil
			}}
			queue := s.ConnectLogs(p)
			begin(t, queue)
			var want []string
			for i := range 5 {
				want = append(want, fmt.Sprint(i))
				s.send(want[i])
			}
			synctest.Wait()
			require.Empty(t, p.names())
			time.Sleep(time.Minute)
			require.Equal(t, want, p.names())
			require.Zero(t, end(t, queue))
			require.Equal(t, map[probe.Result]int{probe.Delivered: 5}, s.counts())
			require.Zero(t, s.dropped(t))
			require.Equal(t, 2, s.log.Len(), "one line that it fails, one that it does not any more")
		})
	}
}

// TestSinkConsumerRefusesForGood: what no retry would help is dropped at once.
func TestSinkConsumerRefusesForGood(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		p := &fakePipeline{answer: func(_ context.Context, name string) error {
			if name == "bad" {
				return consumererror.NewPermanent(errRefused)
			}
			return nil
		}}
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("bad")
		s.send("good")
		synctest.Wait()
		require.Equal(t, []string{"good"}, p.names())
		require.Equal(t, 1, p.tried("bad"))
		require.Equal(t, map[probe.Result]int{probe.Dropped: 1, probe.Delivered: 1}, s.counts())
		require.Equal(t, int64(1), s.dropped(t))
		end(t, queue)
	})
}

// TestSinkConsumerRefusesForLong: after maxElapsedTime it is given up, and so is what waited behind
// it for as long.
func TestSinkConsumerRefusesForLong(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		p := &fakePipeline{}
		p.broken.Store(true)
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("first")
		s.send("second")
		time.Sleep(maxElapsedTime - 2*maxInterval)
		synctest.Wait()
		require.Empty(t, s.counts())
		require.Greater(t, p.tried("first"), int(maxElapsedTime/(2*maxInterval)))
		require.Zero(t, p.tried("second"), "order is kept")
		s.send("third")
		time.Sleep(2 * maxInterval)
		synctest.Wait()
		require.Equal(t, map[probe.Result]int{probe.Dropped: 2}, s.counts(), "the second is as old as the first")
		require.NotZero(t, p.tried("second"))
		p.broken.Store(false)
		time.Sleep(2 * maxInterval)
		synctest.Wait()
		require.Equal(t, []string{"third"}, p.names())
		require.Equal(t, int64(2), s.dropped(t))
		end(t, queue)
	})
}

// TestSinkHasNoRoom: what comes on top of a full queue is dropped and counted, and whoever hands it
// over does not wait.
func TestSinkHasNoRoom(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		p := &fakePipeline{answer: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("in the consumer's hands")
		synctest.Wait()
		from := time.Now()
		for range queueCapacity + 7 {
			s.send("another")
		}
		require.Zero(t, time.Since(from))
		require.Equal(t, int64(7), s.dropped(t))
		require.Equal(t, map[probe.Result]int{probe.Dropped: 7}, s.counts())
		require.Equal(t, shutdownGrace, end(t, queue))
		require.Equal(t, map[probe.Result]int{probe.Dropped: 7, probe.Abandoned: queueCapacity + 1}, s.counts())
		require.Equal(t, int64(7), s.dropped(t), "what is left is kept by the one who asked")
	})
}

// TestSinkConsumerBlocks until its context ends: nothing else of the queue is given up with it.
func TestSinkConsumerBlocks(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		p := &fakePipeline{answer: func(ctx context.Context, name string) error {
			if name == "stuck" {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("stuck")
		s.send("as old")
		time.Sleep(maxElapsedTime - time.Second)
		s.send("young")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"as old", "young"}, p.names())
		require.Equal(t, map[probe.Result]int{probe.Dropped: 1, probe.Delivered: 2}, s.counts())
		end(t, queue)
	})
}

// TestSinkConsumerIsGone: it never returns, whatever its context says. Shutdown does, and what was
// lost is counted.
func TestSinkConsumerIsGone(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		release := make(chan struct{})
		p := &fakePipeline{answer: func(context.Context, string) error {
			<-release
			return nil
		}}
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("stuck")
		synctest.Wait()
		s.send("kept by its owner")
		s.Event(event("kept by nobody"))
		require.Equal(t, shutdownGrace+abandonAfter, end(t, queue))
		require.Equal(t, map[probe.Result]int{probe.Abandoned: 2}, s.counts())
		require.Equal(t, int64(1), s.dropped(t))
		s.send("too late")
		require.Equal(t, map[probe.Result]int{probe.Abandoned: 3}, s.counts())
		close(release)
		synctest.Wait()
		require.Equal(t, map[probe.Result]int{probe.Abandoned: 3}, s.counts(), "each is reported once")
	})
}

// TestSinkTriesOnceMoreAtTheEnd: a shutdown does not wait for the end of a long pause.
func TestSinkTriesOnceMoreAtTheEnd(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		p := &fakePipeline{}
		p.broken.Store(true)
		queue := s.ConnectLogs(p)
		begin(t, queue)
		s.send("first")
		s.send("second")
		time.Sleep(time.Minute)
		p.broken.Store(false)
		require.Less(t, end(t, queue), shutdownGrace)
		require.Equal(t, []string{"first", "second"}, p.names())
		require.Equal(t, map[probe.Result]int{probe.Delivered: 2}, s.counts())
	})
}

// TestSinkShutdownOfWhatNeverStarted loses nothing in silence.
func TestSinkShutdownOfWhatNeverStarted(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		queue := s.ConnectLogs(consumertest.NewNop())
		s.Event(event("early"))
		require.Zero(t, end(t, queue))
		require.Equal(t, int64(1), s.dropped(t))
	})
}

// TestSinkTracesHoldUpNoEvent: a store of traces that is down is no reason to know of nothing.
func TestSinkTracesHoldUpNoEvent(t *testing.T) {
	testSink(t, func(t *testing.T, s *sinkTest) {
		stuck, err := consumer.NewTraces(func(ctx context.Context, _ ptrace.Traces) error {
			<-ctx.Done()
			return ctx.Err()
		})
		require.NoError(t, err)
		events := new(consumertest.LogsSink)
		logs, traces := s.ConnectLogs(events), s.ConnectTraces(stuck)
		begin(t, logs)
		begin(t, traces)
		s.SendTraces(span(), nil)
		s.Event(event("at once"))
		synctest.Wait()
		require.Equal(t, 1, events.LogRecordCount())
		end(t, logs)
		end(t, traces)
	})
}
