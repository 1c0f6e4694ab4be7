package processprobe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/checkpoint"
)

// instancesKey is the one record: a host has a handful of instances.
const instancesKey = "instances"

// seenStep is how exactly it is kept when an instance was last seen: it decides when one is
// forgotten, after a day, and is not worth a write each second.
const seenStep = 10 * time.Minute

// restore opens the storage, where there is one, and makes known again what an earlier collector
// knew: an instance that is down stays known, and what its last run left in its jobs folder is
// found.
func (p *Probe) restore(ctx context.Context, host component.Host) (err error) {
	if p.env.Storage == nil {
		return nil
	}
	if p.persister, err = checkpoint.Open(ctx, host, *p.env.Storage, p.env.Settings.ID, p.Name()); err != nil {
		return err
	}
	values, err := p.persister.Load(ctx, []string{instancesKey})
	if err != nil {
		return err
	}
	if len(values[0]) == 0 {
		return nil
	}
	var list []process.SavedInstance
	if err := json.Unmarshal(values[0], &list); err != nil {
		p.env.Settings.Logger.Warn("cannot restore the saved state of FaceFusion's instances; each is known again once it runs", zap.Error(err))
		return nil
	}
	p.saved = values[0]
	p.table.Restore(list)
	return nil
}

// save writes what is known of the instances, if it is not what was saved last.
func (p *Probe) save(ctx context.Context) error {
	if p.persister == nil {
		return nil
	}
	list := p.table.Export()
	for i := range list {
		list[i].LastSeen = list[i].LastSeen.Round(0).Truncate(seenStep)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("save instances: %w", err)
	}
	if bytes.Equal(text, p.saved) {
		return nil
	}
	if err := p.persister.Save(ctx, []checkpoint.Item{{Key: instancesKey, Value: text}}, nil); err != nil {
		return err
	}
	p.saved = text
	return nil
}
