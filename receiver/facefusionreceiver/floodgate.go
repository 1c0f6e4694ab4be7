package facefusionreceiver

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

// floodReport is how often it is told what was held back.
const floodReport = time.Minute

// floodgate holds back what a crash loop or a storm of errors tells too often. What it holds back it counts, and tells once a minute: the metrics of the same
// things (starts, exits, XIDs) count all of them.
type floodgate struct {
	telemetry *metadata.TelemetryBuilder
	// tell hands over what passes.
	tell func(plog.Logs)

	mu    sync.Mutex
	flood *flood
	lb    *metadata.LogsBuilder
	held  map[held]*withheld
	// report is nil while nothing is held back.
	report *time.Timer
	closed bool
}

// held is what is told together: the name of the event and the instance, which is empty for those of the host.
type held struct{ event, instance string }

type withheld struct {
	resource pcommon.Resource
	count    int64
}

func newFloodgate(telemetry *metadata.TelemetryBuilder, lb *metadata.LogsBuilder, tell func(plog.Logs)) *floodgate {
	return &floodgate{telemetry: telemetry, tell: tell, flood: newFlood(), lb: lb, held: make(map[held]*withheld)}
}

// pass hands over what is not too much. It is one event: that is what probes send.
func (g *floodgate) pass(logs plog.Logs) {
	resource := logs.ResourceLogs().At(0).Resource()
	record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	if g.holds(resource, record) {
		g.telemetry.ReceiverFacefusionEventsSuppressed.Add(context.Background(), 1, metric.WithAttributes(attribute.String("event", record.EventName())))
		return
	}
	g.tell(logs)
}

func (g *floodgate) holds(resource pcommon.Resource, record plog.LogRecord) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || !g.flood.holds(resource, record, time.Now()) {
		return false
	}
	h := held{event: record.EventName()}
	if id, ok := resource.Attributes().Get("service.instance.id"); ok {
		h.instance = id.Str()
	}
	w := g.held[h]
	if w == nil {
		w = &withheld{resource: pcommon.NewResource()}
		resource.CopyTo(w.resource)
		g.held[h] = w
	}
	w.count++
	if g.report == nil {
		g.report = time.AfterFunc(floodReport, g.reportHeld)
	}
	return true
}

// reportHeld tells what was held back since the last time.
func (g *floodgate) reportHeld() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for h, w := range g.held {
		g.lb.RecordFacefusionEventSuppressedEvent(context.Background(), pcommon.NewTimestampFromTime(time.Now()), h.event, w.count)
		body := fmt.Sprintf("%d more %s events were held back within a minute", w.count, h.event)
		if logs, wanted := probe.Event(g.lb, w.resource, plog.SeverityNumberWarn, body); wanted {
			g.tell(logs)
		}
	}
	clear(g.held)
	g.report = nil
}

// close tells what is still held back. From then on nothing is.
func (g *floodgate) close() {
	g.mu.Lock()
	g.closed = true
	pending := g.report != nil && g.report.Stop()
	g.mu.Unlock()
	if pending {
		g.reportHeld()
	}
}

// gated is the lane of events behind a floodgate.
type gated struct {
	component.Component
	gate *floodgate
}

// Shutdown implements component.Component.
func (g gated) Shutdown(ctx context.Context) error {
	g.gate.close()
	return g.Component.Shutdown(ctx)
}
