package facefusionlogprocessor

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/processor/facefusionlogprocessor/internal/metadata"
)

var scopeName = metadata.ScopeName

// errFull says that records wait for the next component, or for the receiver to know their run. It
// passes.
var errFull = errors.New("too many records wait: the next component does not take them")

// logProcessor follows the streams that readers send, and hands over the records.
type logProcessor struct {
	set       processor.Settings
	cfg       *Config
	telemetry *metadata.TelemetryBuilder
	next      consumer.Logs
	exchange  *runlog.Exchange

	detach func()
	done   chan struct{} // closed by Shutdown
	wake   chan struct{}
	ended  sync.WaitGroup
	stop   sync.Once

	// mu guards what follows. It is not held while records are handed over.
	mu      sync.Mutex
	streams map[string]*followed
	queue   []waiting
	// taken are the runs whose lines a stream has.
	taken map[runlog.RunID]*followed
}

var _ processor.Logs = (*logProcessor)(nil)

func newProcessor(set processor.Settings, cfg *Config, telemetry *metadata.TelemetryBuilder, next consumer.Logs) *logProcessor {
	return &logProcessor{
		set: set, cfg: cfg, telemetry: telemetry, next: next,
		exchange: runlog.For(cfg.Receiver.String()),
		done:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
		streams:  map[string]*followed{},
		taken:    map[runlog.RunID]*followed{},
		detach:   func() {},
	}
}

// Capabilities: what comes in is read, and never handed over.
func (*logProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// Start begins to hand records over.
func (p *logProcessor) Start(context.Context, component.Host) error {
	p.detach = p.exchange.Attach()
	p.ended.Go(p.run)
	return nil
}

// Shutdown hands over what is left. It may be called unstarted and twice.
func (p *logProcessor) Shutdown(ctx context.Context) error {
	p.stop.Do(func() {
		close(p.done)
		p.ended.Wait()
		p.mu.Lock()
		for _, f := range p.streams {
			f.giveUp()
			f.stream.Cut()
		}
		p.mu.Unlock()
		p.publish()
		p.mu.Lock()
		for key, f := range p.streams {
			p.close(key, f)
		}
		p.mu.Unlock()
		p.deliver(ctx, true)
		p.detach()
		p.telemetry.Shutdown()
	})
	return nil
}

func (p *logProcessor) run() {
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-p.wake:
		case now := <-ticker.C:
			p.idle(now)
		}
		p.publish()
		p.deliver(context.Background(), false)
	}
}

// ConsumeLogs takes the next pieces of streams. It refuses all of them or none, as a piece must not
// come twice.
func (p *logProcessor) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	p.mu.Lock()
	if len(p.queue) >= queueLimit {
		p.mu.Unlock()
		return errFull
	}
	bytes := int64(0)
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if piece, ok := pieceOf(rl.Resource().Attributes(), record); ok {
					bytes += int64(len(piece.text))
					p.follow(piece, rl.Resource().Attributes(), record.Attributes())
				}
			}
		}
	}
	p.mu.Unlock()
	p.telemetry.ProcessorFacefusionLogBytes.Add(ctx, bytes)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// follow gives a piece to its stream.
func (p *logProcessor) follow(piece streamChunk, resource, attributes pcommon.Map) {
	now := time.Now()
	f := p.streams[piece.key]
	if f == nil {
		f = p.open(piece, resource, attributes)
	}
	if f.instance == "" {
		p.resolve(f)
	}
	f.write(piece, now)
	p.update(f)
}

// open begins to follow a stream.
func (p *logProcessor) open(piece streamChunk, resource, attributes pcommon.Map) *followed {
	if len(p.streams) >= p.cfg.MaxStreams {
		p.closeOldest()
	}
	if piece.from.Instance == "" {
		piece.from.Instance = p.cfg.Instance
	}
	f := &followed{
		key:  runlog.Key{Processor: p.set.ID.String(), Stream: piece.key},
		from: piece.from, next: -1, resource: pcommon.NewMap(), attributes: pcommon.NewMap(),
	}
	resource.CopyTo(f.resource)
	attributes.CopyTo(f.attributes)
	for _, key := range readersOwn {
		f.attributes.Remove(key)
	}
	f.stream = logstream.NewStream(logstream.Settings{KeepPaths: p.cfg.IncludePaths, ProgressEvery: p.cfg.ProgressInterval},
		func(r logstream.Record) { p.enqueue(f, &r) })
	p.streams[piece.key] = f
	return f
}

// resolve finds out whose lines a stream has.
func (p *logProcessor) resolve(f *followed) {
	if instance := p.exchange.Known().Resolve(f.from); instance != nil {
		f.instance = instance.ID
	} else if f.from.Instance != "" {
		f.instance = f.from.Instance // the receiver does not know it, or there is none
	}
}

// update publishes how a stream is.
func (p *logProcessor) update(f *followed) {
	p.exchange.Update(f.key, runlog.StreamHealth{Instance: f.instance, Updated: f.heard, Totals: f.stream.Totals(), Open: f.stream.Open(), Quiet: f.stream.Quiet()})
	if omitted := f.stream.Totals().Dropped; omitted > f.omitted {
		p.telemetry.ProcessorFacefusionLogBytesOmitted.Add(context.Background(), omitted-f.omitted)
		f.omitted = omitted
	}
}

func (p *logProcessor) closeOldest() {
	oldest := ""
	for key, f := range p.streams {
		if oldest == "" || f.heard.Before(p.streams[oldest].heard) {
			oldest = key
		}
	}
	p.close(oldest, p.streams[oldest])
}

func (p *logProcessor) close(key string, f *followed) {
	f.giveUp()
	f.stream.Cut()
	p.update(f)
	p.exchange.Close(f.key)
	delete(p.streams, key)
}

// idle takes what has stood open in streams that are silent.
func (p *logProcessor) idle(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.streams {
		if f.instance == "" {
			p.resolve(f)
		}
		f.idle(now)
		p.update(f)
	}
}

// publish sends phases and causes to the receiver. Listeners are called without the lock.
func (p *logProcessor) publish() {
	p.mu.Lock()
	type report struct {
		instance string
		finding  runlog.Finding
	}
	var findings []report
	for _, f := range p.streams {
		if f.instance == "" {
			continue
		}
		for _, phase := range f.phases {
			p.exchange.AddPhase(f.instance, phase)
		}
		for _, finding := range f.findings {
			findings = append(findings, report{f.instance, finding})
		}
		f.phases, f.findings = nil, nil
	}
	p.mu.Unlock()
	for _, t := range findings {
		p.exchange.AddFinding(t.instance, t.finding)
	}
}

// describe writes whose lines a stream has.
func (f *followed) describe(to pcommon.Map, known *runlog.Known) {
	f.resource.CopyTo(to)
	a := attrs{to}
	a.str("service.name", "facefusion")
	a.str(attrInstance, f.instance)
	if known == nil {
		return
	}
	if instance := known.Resolve(f.from); instance != nil {
		a.str("service.version", instance.Version)
	}
	a.str("host.name", known.Host.Name)
	a.str("host.id", known.Host.ID)
}

var (
	joined   = metric.WithAttributeSet(attribute.NewSet(attribute.Bool("joined", true)))
	unjoined = metric.WithAttributeSet(attribute.NewSet(attribute.Bool("joined", false)))
)

func (p *logProcessor) countRecords(batch []waiting) {
	with := 0
	for i := range batch {
		if batch[i].run != nil {
			with++
		}
	}
	p.telemetry.ProcessorFacefusionLogRecords.Add(context.Background(), int64(with), joined)
	p.telemetry.ProcessorFacefusionLogRecords.Add(context.Background(), int64(len(batch)-with), unjoined)
}
