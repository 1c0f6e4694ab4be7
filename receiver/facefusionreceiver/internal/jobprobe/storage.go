package jobprobe

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/checkpoint"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
)

// openStorage opens the storage, where there is one, and sends what an earlier collector could not.
func (p *Probe) openStorage(ctx context.Context, host component.Host) (err error) {
	if p.env.Storage == nil {
		return nil
	}
	if p.persister, err = checkpoint.Open(ctx, host, *p.env.Storage, p.env.Settings.ID, p.Name()); err != nil {
		return err
	}
	p.acks = newAcks(p.saveAcks)
	entries, err := p.persister.Unacked(ctx)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Logs != nil && !p.emitsEvents || entry.Traces != nil && !p.emitsTraces {
			p.persister.Ack(entry) // the pipeline is no more
			continue
		}
		p.send([]*outbox.Entry{entry})
	}
	return nil
}

// save writes the state of the folders, together with the events and spans that report its changes.
func (p *Probe) save(ctx context.Context, entries []*outbox.Entry) error {
	if p.persister == nil {
		return nil
	}
	p.storing.Lock()
	defer p.storing.Unlock()
	var records []checkpoint.Item
	for _, r := range p.watcher.Export() {
		records = append(records, checkpoint.Item(r))
	}
	if err := p.persister.Save(ctx, records, entries); err != nil {
		return err
	}
	p.watcher.MarkSaved()
	return nil
}

// logFirstScan logs once for each folder what the first scan was compared with.
func (p *Probe) logFirstScan(snapshot *jobqueue.Snapshot) {
	for i := range snapshot.Queues {
		q := &snapshot.Queues[i]
		if q.Access != jobqueue.AccessOpen || q.Scanning || p.firstScanLogged[q.Instances[0]] {
			continue
		}
		p.firstScanLogged[q.Instances[0]] = true
		fields := []zap.Field{
			zap.String("instance", q.Instances[0]), zap.Int("completed", q.Count(jobqueue.StateCompleted)), zap.Int("failed", q.Count(jobqueue.StateFailed)),
		}
		switch q.Restored {
		case jobqueue.RestoreDone:
			p.env.Settings.Logger.Info("a jobs folder is compared with how it was left", append(fields, zap.Time("since", q.Start))...)
		case jobqueue.RestoreUnreadable:
			p.env.Settings.Logger.Warn("cannot restore the saved state of a jobs folder; existing jobs are not counted", fields...)
		case jobqueue.RestoreNew:
			p.env.Settings.Logger.Info("a jobs folder is seen for the first time; what lies there is history and is not counted", fields...)
		default:
			p.env.Settings.Logger.Info("a jobs folder is seen for the first time; what lies there is history and is not counted. "+
				"With storage set to a storage extension, nothing is lost over a restart of the collector", fields...)
		}
	}
}
