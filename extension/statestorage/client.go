package statestorage

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/recordlog"
)

// client is the folder of one component.
type client struct {
	owner   *stateStorage
	name    string
	journal *recordlog.Journal
	logger  *zap.Logger

	mu       sync.Mutex
	volatile bool // as it was logged last
}

var _ storage.Client = (*client)(nil)

// Get implements storage.Client.
func (c *client) Get(_ context.Context, key string) ([]byte, error) { return c.journal.Get(key), nil }

// Set implements storage.Client.
func (c *client) Set(ctx context.Context, key string, value []byte) error {
	return c.Batch(ctx, storage.SetOperation(key, value))
}

// Delete implements storage.Client.
func (c *client) Delete(ctx context.Context, key string) error {
	return c.Batch(ctx, storage.DeleteOperation(key))
}

// Batch implements storage.Client. Its operations see what those before them did.
func (c *client) Batch(_ context.Context, operations ...*storage.Operation) error {
	var changes []recordlog.Operation
	for _, o := range operations {
		switch o.Type {
		case storage.Get:
			o.Value = c.valueAfter(changes, o.Key)
		case storage.Set:
			value := o.Value
			if value == nil {
				value = []byte{}
			}
			changes = append(changes, recordlog.Operation{Key: o.Key, Value: value})
		case storage.Delete:
			changes = append(changes, recordlog.Operation{Key: o.Key})
		}
	}
	err := c.journal.Apply(changes)
	c.report()
	return err
}

// valueAfter is the value of a key after the changes.
func (c *client) valueAfter(changes []recordlog.Operation, key string) []byte {
	for _, change := range slices.Backward(changes) {
		if change.Key == key {
			return slices.Clone(change.Value)
		}
	}
	return c.journal.Get(key)
}

// report logs once that state is in memory alone, and once that it is on disk again.
func (c *client) report() {
	err := c.journal.Status().Err
	c.mu.Lock()
	defer c.mu.Unlock()
	if (err != nil) == c.volatile {
		return
	}
	c.volatile = err != nil
	if c.volatile {
		c.logger.Warn("state cannot be written: it is kept in memory, and a restart would lose it", zap.Error(err))
	} else {
		c.logger.Info("state is written again")
	}
}

// Close implements storage.Client.
func (c *client) Close(context.Context) error {
	c.owner.mu.Lock()
	delete(c.owner.clients, c)
	c.owner.mu.Unlock()
	return c.journal.Close()
}
