package facefusionreceiver

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// harness is a receiver in three pipelines, as the Collector makes it: one configuration, one id,
// three components.
type harness struct {
	metrics *consumertest.MetricsSink
	logs    *consumertest.LogsSink
	all     []component.Component
}

func newHarness(t *testing.T, factory receiver.Factory, root string) *harness {
	t.Helper()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.Controller.InitialDelay = 0
	cfg.RootPath = root
	set := receivertest.NewNopSettings(metadata.Type)
	// the same for all three, where NewNopSettings makes one up for each
	set.ID = component.NewIDWithName(metadata.Type, "harness")
	three := &harness{metrics: new(consumertest.MetricsSink), logs: new(consumertest.LogsSink)}
	m, err := factory.CreateMetrics(context.Background(), set, cfg, three.metrics)
	require.NoError(t, err)
	l, err := factory.CreateLogs(context.Background(), set, cfg, three.logs)
	require.NoError(t, err)
	tr, err := factory.CreateTraces(context.Background(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	three.all = []component.Component{m, l, tr}
	return three
}

func (three *harness) shared() *sharedReceiver { return three.all[0].(*signal).shared }

func (three *harness) start(t *testing.T) {
	t.Helper()
	for _, c := range three.all {
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	}
}

func (three *harness) shutdown(t *testing.T) {
	t.Helper()
	for _, c := range three.all {
		require.NoError(t, c.Shutdown(context.Background()))
	}
}

func TestThreeSignalsShareOneReceiver(t *testing.T) {
	three := newHarness(t, NewFactory(), t.TempDir())
	for _, c := range three.all {
		require.Same(t, three.shared(), c.(*signal).shared)
	}
	three.start(t)
	require.True(t, three.shared().running)
	require.Eventually(t, func() bool { return three.metrics.DataPointCount() > 0 }, 10*time.Second, 10*time.Millisecond)
	three.shutdown(t)
	require.False(t, three.shared().running)
}

// TestOneSignalRemovedWhileTheOthersRun, each of the three in its turn.
func TestOneSignalRemovedWhileTheOthersRun(t *testing.T) {
	for removed := range 3 {
		three := newHarness(t, NewFactory(), t.TempDir())
		three.start(t)
		require.NoError(t, three.all[removed].Shutdown(context.Background()))
		require.True(t, three.shared().running)
		if removed != 0 {
			three.metrics.Reset()
			three.shared().trigger.RequestScrape()
			require.Eventually(t, func() bool { return three.metrics.DataPointCount() > 0 }, 10*time.Second, 10*time.Millisecond)
		}
		require.Equal(t, removed != 1, three.shared().sink.WantsLogs())
		three.shutdown(t)
		require.False(t, three.shared().running)
	}
}

func TestShutdownBeforeStartAndTwice(t *testing.T) {
	three := newHarness(t, NewFactory(), t.TempDir())
	three.shutdown(t)
	three.shutdown(t)

	three = newHarness(t, NewFactory(), t.TempDir())
	three.start(t)
	three.shutdown(t)
	three.shutdown(t)
}

func TestShutdownDuringStart(t *testing.T) {
	for range 20 {
		three := newHarness(t, NewFactory(), t.TempDir())
		var wg sync.WaitGroup
		wg.Go(func() { three.start(t) })
		wg.Go(func() { three.shutdown(t) })
		wg.Wait()
		require.False(t, three.shared().running)
	}
}

// TestConfigurationReload: the Collector shuts the old receiver down and makes a new one of the
// same name in the same process, from the same factory or from a new one.
func TestConfigurationReload(t *testing.T) {
	factory, root := NewFactory(), t.TempDir()
	for range 25 {
		three := newHarness(t, factory, root)
		three.start(t)
		three.shutdown(t)
	}
	old := newHarness(t, factory, root)
	old.start(t)
	fresh := newHarness(t, factory, root) // made before the old one has ended
	require.NotSame(t, old.shared(), fresh.shared())
	fresh.start(t)
	old.shutdown(t)
	require.True(t, fresh.shared().running)
	fresh.shutdown(t)
}

func TestTheRegistryForgetsWhatEnded(t *testing.T) {
	r := &sharedReceivers{shared: map[component.ID]*attached{}}
	set := receivertest.NewNopSettings(metadata.Type)
	cfg := createDefaultConfig().(*Config)
	m, err := r.createMetrics(context.Background(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	l, err := r.createLogs(context.Background(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.Len(t, r.shared, 1)
	require.NoError(t, m.Shutdown(context.Background()))
	require.Len(t, r.shared, 1)
	require.NoError(t, l.Shutdown(context.Background()))
	require.Empty(t, r.shared)
}
