package main

import (
	"context"
	"slices"
	"sync"
	"time"

	otel "go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// pageView is what the receiver of the agent shows and says of this host.
type pageView struct {
	points []pageSeries
	lines  []logLine
}

// pageSeries is one series of the page. The attributes of its resource are among its own.
type pageSeries struct {
	name       string
	attributes map[string]string
	value      float64
}

// logLine is one line of the receiver's log.
type logLine struct {
	level   zapcore.Level
	message string
	fields  map[string]any
}

// The observation ends when everything has a state, but not before leastWait: what is found and
// then asked takes some passes. A server that does not answer has one after two attempts.
const (
	leastWait    = 2 * time.Second
	mostWait     = 9 * time.Second
	passInterval = 500 * time.Millisecond
)

// observe runs the agent's own receiver with its settings, so that what is said here is what the
// page says, in its words. It keeps nothing, and is asked for no GPU: see gpus.go.
func observe(ctx context.Context, cfg *facefusionreceiver.Config) (*pageView, error) {
	ctx, cancel := context.WithTimeout(ctx, mostWait)
	defer cancel()
	log := &recorder{}
	pages := make(chan []pageSeries, 1)
	sink, err := consumer.NewMetrics(func(_ context.Context, m pmetric.Metrics) error {
		select {
		case pages <- pointsOf(m):
		default: // the one before is still looked at
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	factory := facefusionreceiver.NewFactory()
	metrics, err := factory.CreateMetrics(ctx, receiver.Settings{
		ID: otel.NewIDWithName(factory.Type(), "doctor"),
		TelemetrySettings: otel.TelemetrySettings{
			Logger: zap.New(log), TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metricnoop.NewMeterProvider(), Resource: pcommon.NewResource(),
		},
	}, cfg, sink)
	if err != nil {
		return nil, err
	}
	if err := metrics.Start(ctx, noExtensions{}); err != nil {
		return nil, err
	}
	points := awaitSettled(ctx, cfg, pages)
	ended := context.WithoutCancel(ctx)
	if err := metrics.Shutdown(ended); err != nil {
		return nil, err
	}
	return &pageView{points: points, lines: log.all()}, nil
}

func awaitSettled(ctx context.Context, cfg *facefusionreceiver.Config, pages <-chan []pageSeries) (last []pageSeries) {
	for begin := time.Now(); ; {
		select {
		case <-ctx.Done():
			return last
		case last = <-pages:
			if time.Since(begin) >= leastWait && settled(cfg, last) {
				return last
			}
		}
	}
}

// settled says that what takes its time has been seen: servers that listen, jobs folders, and
// health checks, of which one failure is none.
func settled(cfg *facefusionreceiver.Config, points []pageSeries) bool {
	o := &pageView{points: points}
	if len(o.of("facefusion.process.visibility")) == 0 {
		return false
	}
	for i := range cfg.Instances {
		if state := o.state("facefusion.server.state", cfg.Instances[i].Name); cfg.Instances[i].Health != nil && (state == "" || state == "answering") {
			return false
		}
	}
	for _, id := range o.instances() {
		if up, known := o.value("facefusion.process.up", id); !known || up == 0 {
			continue
		}
		if o.state("facefusion.job.folder.state", id) == "" {
			return false
		}
		servers := 0.0
		for _, p := range o.of("facefusion.process.count", id) {
			if p.attributes["facefusion.process.role"] == "server" {
				servers = p.value
			}
		}
		if servers > 0 && len(o.of("facefusion.server.state", id)) == 0 {
			return false
		}
	}
	return true
}

// of are the series of a metric, those of one instance where one is named.
func (o *pageView) of(name string, instance ...string) (list []pageSeries) {
	for _, p := range o.points {
		if p.name == name && (len(instance) == 0 || p.attributes[instanceID] == instance[0]) {
			list = append(list, p)
		}
	}
	return list
}

const instanceID = "service.instance.id"

// instances are those that the page has, sorted.
func (o *pageView) instances() (ids []string) {
	for _, p := range o.points {
		if id := p.attributes[instanceID]; id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// value is that of the only series of an instance.
func (o *pageView) value(name, instance string) (float64, bool) {
	for _, p := range o.of(name, instance) {
		return p.value, true
	}
	return 0, false
}

// state is the attribute of a metric whose series is 1; its attribute is called as it is.
func (o *pageView) state(name, instance string) string {
	for _, p := range o.of(name, instance) {
		if p.value == 1 {
			return p.attributes[name]
		}
	}
	return ""
}

func pointsOf(m pmetric.Metrics) (list []pageSeries) {
	for _, resource := range m.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				var points pmetric.NumberDataPointSlice
				switch metric.Type() {
				case pmetric.MetricTypeGauge:
					points = metric.Gauge().DataPoints()
				case pmetric.MetricTypeSum:
					points = metric.Sum().DataPoints()
				default:
					continue
				}
				for _, p := range points.All() {
					if !p.Flags().NoRecordedValue() {
						list = append(list, newPoint(metric.Name(), resource.Resource().Attributes(), p))
					}
				}
			}
		}
	}
	return list
}

func newPoint(name string, resource pcommon.Map, p pmetric.NumberDataPoint) pageSeries {
	q := pageSeries{name: name, attributes: make(map[string]string), value: p.DoubleValue()}
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		q.value = float64(p.IntValue())
	}
	for _, attributes := range []pcommon.Map{resource, p.Attributes()} {
		for key, value := range attributes.All() {
			q.attributes[key] = value.AsString()
		}
	}
	return q
}

// noExtensions is a Collector that has none.
type noExtensions struct{}

func (noExtensions) GetExtensions() map[otel.ID]otel.Component { return nil }

// recorder keeps the receiver's log.
type recorder struct {
	mu    sync.Mutex
	lines []logLine
}

var _ zapcore.Core = (*recorder)(nil)

// Enabled implements zapcore.Core.
func (*recorder) Enabled(level zapcore.Level) bool { return level >= zapcore.InfoLevel }

// With implements zapcore.Core. What a component is called is not needed.
func (r *recorder) With([]zapcore.Field) zapcore.Core { return r }

// Check implements zapcore.Core.
func (r *recorder) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(e.Level) {
		return checked.AddCore(e, r)
	}
	return checked
}

// Write implements zapcore.Core.
func (r *recorder) Write(e zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, logLine{e.Level, e.Message, values.Fields})
	return nil
}

// Sync implements zapcore.Core.
func (*recorder) Sync() error { return nil }

func (r *recorder) all() []logLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}
