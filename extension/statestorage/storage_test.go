package statestorage

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var exporter = component.MustNewIDWithName("otlp_http", "far/away")

func start(t *testing.T, dir string) (storage.Extension, *zapobserver.ObservedLogs, *componenttest.Telemetry) {
	t.Helper()
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.Directory = dir
	require.NoError(t, cfg.Validate())
	core, log := zapobserver.New(zap.InfoLevel)
	tel := componenttest.NewTelemetry()
	set := extension.Settings{ID: component.NewID(Type), BuildInfo: component.NewDefaultBuildInfo()}
	set.TelemetrySettings = tel.NewTelemetrySettings()
	set.Logger = zap.New(core)
	e, err := factory.Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, e.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return e.(storage.Extension), log, tel
}

func client1(t *testing.T, e storage.Extension, name string) storage.Client {
	t.Helper()
	c, err := e.GetClient(t.Context(), component.KindExporter, exporter, name)
	require.NoError(t, err)
	return c
}

func TestEachComponentHasItsOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	e, log, _ := start(t, dir)
	metrics, logs := client1(t, e, "metrics"), client1(t, e, "logs")
	require.NoError(t, metrics.Set(t.Context(), "a", []byte("1")))
	require.NoError(t, logs.Set(t.Context(), "a", []byte("2")))
	require.NoError(t, logs.Set(t.Context(), "empty", nil))
	get, after := storage.GetOperation("a"), storage.GetOperation("a")
	require.NoError(t, metrics.Batch(t.Context(), get, storage.SetOperation("a", []byte("3")), after, storage.SetOperation("b", []byte("4")), storage.DeleteOperation("b")))
	assert.Equal(t, "1", string(get.Value))
	assert.Equal(t, "3", string(after.Value))
	require.NoError(t, metrics.Close(t.Context()))
	require.NoError(t, logs.Close(t.Context()))

	e, _, _ = start(t, dir)
	metrics, logs = client1(t, e, "metrics"), client1(t, e, "logs")
	for c, want := range map[storage.Client]string{metrics: "3", logs: "2"} {
		value, err := c.Get(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, want, string(value))
		require.NoError(t, c.Delete(t.Context(), "a"))
		value, err = c.Get(t.Context(), "a")
		require.NoError(t, err)
		assert.Nil(t, value)
		require.NoError(t, c.Close(t.Context()))
	}
	require.DirExists(t, filepath.Join(dir, "exporter_otlp_http_far~2faway_logs"))
	require.Zero(t, log.Len())
}

// TestAFolderThatCannotBeWritten: it starts, works from memory, and says so once.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	e, log, tel := start(t, dir)
	c := client1(t, e, "metrics")
	for range 3 {
		require.NoError(t, c.Set(t.Context(), "a", []byte("12345")))
	}
	value, err := c.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "12345", string(value))
	require.Equal(t, 1, log.FilterMessageSnippet("kept in memory").Len())
	m, err := tel.GetMetric("otelcol_state_storage_pending")
	require.NoError(t, err)
	point := m.Data.(metricdata.Gauge[int64]).DataPoints[0]
	assert.Equal(t, int64(6), point.Value)
	assert.Equal(t, attribute.NewSet(attribute.String("component", "exporter_otlp_http_far~2faway_metrics")), point.Attributes)
	require.Error(t, c.Close(t.Context()), "what was not written is lost")
}

func TestADamagedFolderIsReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	e, _, _ := start(t, dir)
	c := client1(t, e, "metrics")
	require.NoError(t, c.Set(t.Context(), "a", []byte("1")))
	require.NoError(t, c.Close(t.Context()))
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], []byte("not what it was"), 0o600))
	e, log, _ := start(t, dir)
	c = client1(t, e, "metrics")
	require.Equal(t, 1, log.FilterMessageSnippet("damaged").Len())
	value, err := c.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.Nil(t, value)
	require.NoError(t, c.Set(t.Context(), "a", []byte("2")))
	require.NoError(t, c.Close(t.Context()))
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	cfg := &Config{Directory: "state", MaxMemoryMiB: 0}
	require.EqualError(t, cfg.Validate(), `directory is "state": give an absolute path, for example ${env:STATE_DIRECTORY:-/var/lib/otelcol-facefusion}`+"\n"+
		"max_memory_mib is 0: give 1 to 1024 (MiB), or leave it out for 32")
}
