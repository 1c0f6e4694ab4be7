package snapshots

import "sync/atomic"

// Latest holds the latest of a series of immutable snapshots.
type Latest[T any] struct {
	latest      atomic.Pointer[T]
	subscribers []func()
}

// Subscribe has f called after each Publish, by the goroutine that published: f must not block.
// Subscribe before anything is published.
func (l *Latest[T]) Subscribe(f func()) { l.subscribers = append(l.subscribers, f) }

// Publish replaces the latest snapshot, which nobody may change from now on. One goroutine
// publishes.
func (l *Latest[T]) Publish(snapshot *T) {
	l.latest.Store(snapshot)
	for _, f := range l.subscribers {
		f()
	}
}

// Load returns the snapshot that was published last, nil before the first.
func (l *Latest[T]) Load() *T { return l.latest.Load() }
