package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// summaryInterval is how often an event summarizes what was suppressed.
const summaryInterval = time.Minute

// suppressor rate-limits events per kind. What it suppresses it counts, and summarizes in one event
// a minute: the metrics of the same things (starts, exits, XIDs) count all of them.
type suppressor struct {
	receiver  attribute.KeyValue
	telemetry *metadata.TelemetryBuilder
	forward   func(plog.Logs)

	mu         sync.Mutex
	limiter    *eventLimiter
	lb         *metadata.LogsBuilder
	suppressed map[summaryKey]*summary
	// timer is nil while there is nothing to summarize.
	timer  *time.Timer
	closed bool
}

// summaryKey is what is summarized together: the name of the event and the instance, which is empty
// for events of the host.
type summaryKey struct{ event, instance string }

type summary struct {
	resource pcommon.Resource
	count    int64
}

func newSuppressor(id component.ID, telemetry *metadata.TelemetryBuilder, lb *metadata.LogsBuilder, forward func(plog.Logs)) *suppressor {
	return &suppressor{
		receiver: ReceiverAttribute(id), telemetry: telemetry, forward: forward, limiter: newEventLimiter(), lb: lb, suppressed: make(map[summaryKey]*summary),
	}
}

// pass forwards one event, or suppresses it.
func (s *suppressor) pass(logs plog.Logs) {
	resource := logs.ResourceLogs().At(0).Resource()
	record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	if s.allow(resource, record) {
		s.forward(logs)
		return
	}
	event := metric.WithAttributes(s.receiver, attribute.String("event", record.EventName()))
	s.telemetry.ReceiverFacefusionEventsSuppressed.Add(context.Background(), 1, event)
}

func (s *suppressor) allow(resource pcommon.Resource, record plog.LogRecord) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.limiter.allow(resource, record, time.Now()) {
		return true
	}
	key := summaryKey{event: record.EventName()}
	if id, ok := resource.Attributes().Get("service.instance.id"); ok {
		key.instance = id.Str()
	}
	sum := s.suppressed[key]
	if sum == nil {
		sum = &summary{resource: pcommon.NewResource()}
		resource.CopyTo(sum.resource)
		s.suppressed[key] = sum
	}
	sum.count++
	if s.timer == nil {
		s.timer = time.AfterFunc(summaryInterval, s.summarize)
	}
	return false
}

// summarize forwards an event for what was suppressed since the last time.
func (s *suppressor) summarize() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := pcommon.NewTimestampFromTime(time.Now())
	for key, sum := range s.suppressed {
		s.lb.RecordFacefusionEventSuppressedEvent(context.Background(), now, key.event, sum.count)
		body := fmt.Sprintf("%d more %s events were held back within a minute", sum.count, key.event)
		if logs, wanted := probe.Event(s.lb, sum.resource, plog.SeverityNumberWarn, body); wanted {
			s.forward(logs)
		}
	}
	clear(s.suppressed)
	s.timer = nil
}

// close summarizes the rest. From then on nothing is suppressed.
func (s *suppressor) close() {
	s.mu.Lock()
	s.closed = true
	pending := s.timer != nil && s.timer.Stop()
	s.mu.Unlock()
	if pending {
		s.summarize()
	}
}

// limitedQueue is the queue of events behind a suppressor.
type limitedQueue struct {
	component.Component
	suppressor *suppressor
}

// Shutdown implements component.Component.
func (l limitedQueue) Shutdown(ctx context.Context) error {
	l.suppressor.close()
	return l.Component.Shutdown(ctx)
}
