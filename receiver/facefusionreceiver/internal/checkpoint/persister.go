package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
)

// ErrUnavailable is returned where the storage is configured rightly and does not work. Memory is
// optional: whoever asks goes on without.
var ErrUnavailable = errors.New("the storage is not available")

// Item is a named value. An empty value deletes it.
type Item struct {
	Key   string
	Value []byte
}

// Persister is the storage of one probe. One goroutine at a time uses it; Ack alone may be called
// from any.
type Persister struct {
	client storage.Client
	outbox outbox.Outbox
	closed bool
}

// Open finds the storage extension among those of the host. The owner is the receiver, name the
// probe.
func Open(ctx context.Context, host component.Host, id, owner component.ID, name string) (*Persister, error) {
	extension, there := host.GetExtensions()[id]
	if !there {
		return nil, fmt.Errorf("storage is %q, and there is no such extension: add it to extensions and to service::extensions", id)
	}
	store, ok := extension.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage is %q, which stores nothing: name a storage extension such as state_storage", id)
	}
	client, err := store.GetClient(ctx, component.KindReceiver, owner, name)
	if err != nil {
		return nil, fmt.Errorf("open storage %q: %w: %w", id, ErrUnavailable, err)
	}
	return &Persister{client: client}, nil
}

// Without logs that a probe goes on without its storage, where err says that it is not available,
// and returns any other error. Memory is optional; a wrong configuration is not.
func (p *Persister) Without(ctx context.Context, logger *zap.Logger, err error) error {
	if !errors.Is(err, ErrUnavailable) {
		return err
	}
	logger.Error("storage not available: this probe remembers nothing over a restart", zap.Error(errors.Join(err, p.Close(ctx))))
	return nil
}

// Load returns the values of the keys, in their order; nil for a key without a value.
func (p *Persister) Load(ctx context.Context, keys []string) ([][]byte, error) {
	operations := make([]*storage.Operation, len(keys))
	for i, key := range keys {
		operations[i] = storage.GetOperation(key)
	}
	if err := p.client.Batch(ctx, operations...); err != nil {
		return nil, fmt.Errorf("load saved state: %w: %w", ErrUnavailable, err)
	}
	values := make([][]byte, len(keys))
	for i, operation := range operations {
		values[i] = operation.Value
	}
	return values, nil
}

// Save writes the items and the entries in one transaction. An entry stays until it is
// acknowledged; an entry for which there is no room is not saved, and may be sent all the same.
func (p *Persister) Save(ctx context.Context, items []Item, entries []*outbox.Entry) error {
	operations := make([]*storage.Operation, 0, len(items)+len(entries))
	for _, r := range items {
		operations = append(operations, operation(r.Key, r.Value))
	}
	operations, commit := p.outbox.Add(operations, entries)
	if len(operations) == 0 {
		return nil
	}
	// The loop that observes has ended when this is the last save; what it saw is saved.
	err := p.client.Batch(context.WithoutCancel(ctx), operations...)
	commit(err == nil)
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

func operation(key string, value []byte) *storage.Operation {
	if len(value) == 0 {
		return storage.DeleteOperation(key)
	}
	return storage.SetOperation(key, value)
}

// Unacked returns the entries that an earlier process saved and did not acknowledge, in their
// order. It is called once, before the first Save.
func (p *Persister) Unacked(ctx context.Context) ([]*outbox.Entry, error) {
	values, err := p.Load(ctx, outbox.Keys())
	if err != nil {
		return nil, err
	}
	return p.outbox.Restore(values), nil
}

// Ack says that an entry need not be saved any longer. It does not block.
func (p *Persister) Ack(e *outbox.Entry) { p.outbox.Ack(e) }

// Close deletes the acknowledged entries and closes the storage. It may be called twice, and on
// nil.
func (p *Persister) Close(ctx context.Context) error {
	if p == nil || p.closed {
		return nil
	}
	p.closed = true
	return errors.Join(p.Save(ctx, nil, nil), p.client.Close(ctx))
}
