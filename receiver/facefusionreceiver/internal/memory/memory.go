// Package memory keeps on a storage extension of the Collector what must outlive its process: what is known of jobs folders, and what was not delivered yet.
package memory

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
)

// Memory is one store. One goroutine at a time uses it; Settle alone may be called from any.
type Memory struct {
	client storage.Client
	outbox outbox
	closed bool
}

// Open finds the storage extension among those of the host, for the receiver that owns what is kept and the probe by whose name it is kept.
func Open(ctx context.Context, host component.Host, id, owner component.ID, name string) (*Memory, error) {
	extension, there := host.GetExtensions()[id]
	if !there {
		return nil, fmt.Errorf("storage is %q, and there is no such extension: add it to extensions and to service::extensions", id)
	}
	store, ok := extension.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage is %q, which stores nothing: name a storage extension such as file_storage", id)
	}
	client, err := store.GetClient(ctx, component.KindReceiver, owner, name)
	if err != nil {
		return nil, fmt.Errorf("open storage %q: %w", id, err)
	}
	return &Memory{client: client}, nil
}

// Recall is what jobqueue.Settings.Recall asks for.
func (m *Memory) Recall(ctx context.Context, keys []string) ([][]byte, error) {
	operations := make([]*storage.Operation, len(keys))
	for i, key := range keys {
		operations[i] = storage.GetOperation(key)
	}
	if err := m.client.Batch(ctx, operations...); err != nil {
		return nil, fmt.Errorf("read what was kept: %w", err)
	}
	values := make([][]byte, len(keys))
	for i, operation := range operations {
		values[i] = operation.Value
	}
	return values, nil
}

// Save keeps records, and parcels until they are settled: all of it or nothing. What was settled since the last time is forgotten. A parcel for which there is
// no room is not kept, and may be sent all the same.
func (m *Memory) Save(ctx context.Context, records []jobqueue.Record, parcels []*Parcel) error {
	operations := make([]*storage.Operation, 0, len(records)+len(parcels))
	for _, r := range records {
		operations = append(operations, operation(r.Key, r.Value))
	}
	operations, done := m.outbox.post(operations, parcels)
	if len(operations) == 0 {
		return nil
	}
	err := m.client.Batch(context.WithoutCancel(ctx), operations...)
	done(err == nil)
	if err != nil {
		return fmt.Errorf("keep what is known: %w", err)
	}
	return nil
}

func operation(key string, value []byte) *storage.Operation {
	if len(value) == 0 {
		return storage.DeleteOperation(key)
	}
	return storage.SetOperation(key, value)
}

// Close forgets what was settled, and lets go of the store. It may be called twice, and on nil.
func (m *Memory) Close(ctx context.Context) error {
	if m == nil || m.closed {
		return nil
	}
	m.closed = true
	return errors.Join(m.Save(ctx, nil, nil), m.client.Close(ctx))
}
