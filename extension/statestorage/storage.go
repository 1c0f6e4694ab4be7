package statestorage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/recordlog"
)

// stateStorage hands out a folder to each component that asks.
type stateStorage struct {
	cfg          *Config
	logger       *zap.Logger
	registration metric.Registration

	mu      sync.Mutex
	clients map[*client]struct{}
}

var (
	_ storage.Extension   = (*stateStorage)(nil)
	_ extension.Extension = (*stateStorage)(nil)
)

func newStorage(set extension.Settings, cfg *Config) (*stateStorage, error) {
	s := &stateStorage{cfg: cfg, logger: set.Logger, clients: make(map[*client]struct{})}
	meter := set.MeterProvider.Meter("github.com/otelcol-facefusion/otelcol-facefusion/extension/statestorage")
	size, err1 := meter.Int64ObservableGauge("otelcol_state_storage_size",
		metric.WithUnit("By"), metric.WithDescription("What the state of a component takes on disk."))
	pending, err2 := meter.Int64ObservableGauge("otelcol_state_storage_pending",
		metric.WithUnit("By"), metric.WithDescription("State that is in memory alone because the disk takes no writes: a restart would lose it."))
	damaged, err3 := meter.Int64ObservableCounter("otelcol_state_storage_damaged",
		metric.WithUnit("{record}"), metric.WithDescription("Records on disk that were damaged and were skipped."))
	registration, err4 := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for name, status := range s.status() {
			by := metric.WithAttributes(attribute.String("component", name))
			o.ObserveInt64(size, status.Bytes, by)
			o.ObserveInt64(pending, status.Pending, by)
			o.ObserveInt64(damaged, int64(status.Damaged), by)
		}
		return nil
	}, size, pending, damaged)
	s.registration = registration
	return s, errors.Join(err1, err2, err3, err4)
}

// status of each client.
func (s *stateStorage) status() map[string]recordlog.JournalStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]recordlog.JournalStatus, len(s.clients))
	for c := range s.clients {
		all[c.name] = c.journal.Status()
	}
	return all
}

// Start implements component.Component.
func (*stateStorage) Start(context.Context, component.Host) error { return nil }

// Shutdown implements component.Component. Components close their clients themselves.
func (s *stateStorage) Shutdown(context.Context) error {
	if s.registration == nil {
		return nil
	}
	return s.registration.Unregister()
}

// GetClient implements storage.Extension. It never fails: state that cannot be read is gone, and
// state that cannot be written is in memory.
func (s *stateStorage) GetClient(_ context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	folder := folderOf(kind, id, name)
	journal := recordlog.Open(filepath.Join(s.cfg.Directory, folder), recordlog.Options{
		MaxMemory: s.cfg.MaxMemoryMiB << 20, Sync: s.cfg.Fsync,
		// Of a queue, each request stands for itself; what a receiver knows belongs together.
		AllOrNothing: kind == component.KindReceiver,
	})
	c := &client{owner: s, name: folder, journal: journal, logger: s.logger.With(zap.String("component", folder), zap.String("directory", s.cfg.Directory))}
	if damaged := journal.Status().Damaged; damaged > 0 {
		c.logger.Warn("saved state was damaged; what could not be read is gone, the rest is used", zap.Int("damaged", damaged))
	}
	c.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c] = struct{}{}
	return c, nil
}

// folderOf is the name of a component's folder. What a name may hold and a file name may not is
// escaped.
func folderOf(kind component.Kind, id component.ID, name string) string {
	parts := []string{strings.ToLower(kind.String()), id.Type().String()}
	for _, part := range []string{id.Name(), name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	var b strings.Builder
	for _, r := range []byte(strings.Join(parts, "_")) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteByte(r)
		default:
			fmt.Fprintf(&b, "~%02x", r)
		}
	}
	return b.String()
}

func quoted(s string) string { return strconv.Quote(s) }

func errMaxMemory(n int64) error {
	return fmt.Errorf("max_memory_mib is %d: give 1 to 1024 (MiB), or leave it out for 32", n)
}
