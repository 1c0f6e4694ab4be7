package webprobe

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestSecretsOfURLs: the password of a proxy and the token of a query are kept from a stranger as a
// header is.
func TestSecretsOfURLs(t *testing.T) {
	for name, configure := range map[string]func(cfg *Config, i *ConfiguredInstance, stranger string){
		"the password of a proxy": func(cfg *Config, i *ConfiguredInstance, stranger string) {
			cfg.ClientConfig.ProxyURL = "http://user:s3cret@" + stranger
			i.Endpoint = &url.URL{Scheme: "http", Host: "ff.example.com:7860"}
		},
		"the query of an endpoint": func(_ *Config, i *ConfiguredInstance, stranger string) {
			i.Endpoint = &url.URL{Scheme: "http", Host: stranger, RawQuery: "token=s3cret"}
		},
		"the query of a health check": func(_ *Config, i *ConfiguredInstance, stranger string) {
			i.Health = healthCheck("http://" + stranger + "/health?token=s3cret")
		},
		"the password of a health check's proxy": func(_ *Config, i *ConfiguredInstance, stranger string) {
			i.Health = healthCheck("http://ff.example.com:7860/health")
			i.Health.ClientConfig.ProxyURL = "http://user:s3cret@" + stranger
		},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.WarnLevel)
			address, ended := serveAs(t, stranger)
			env, _ := probetest.Env()
			env.Settings.Logger = zap.New(core)
			cfg, instance := NewDefaultConfig(), ConfiguredInstance{Name: "studio"}
			cfg.Interval = 20 * time.Millisecond
			configure(&cfg, &instance, address)
			p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{instance}, false, env)
			require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
			assert.Eventually(t, func() bool { return p.Health().Observations > 1 && logs.Len() > 0 }, 10*time.Second, 5*time.Millisecond)
			require.NoError(t, p.Shutdown(context.Background()))
			assert.Empty(t, ended(), "nothing was sent")
			require.NotEmpty(t, logs.All())
			assert.Contains(t, logs.All()[0].ContextMap()["reason"], "user 65534 listens there")
		})
	}
}

func healthCheck(endpoint string) *HealthConfig {
	c := &HealthConfig{Interval: time.Second, Method: "GET"}
	c.ClientConfig = NewDefaultConfig().ClientConfig
	c.ClientConfig.Endpoint, c.ClientConfig.Timeout = endpoint, time.Second
	return c
}

// TestAFolderThatAnybodyCanMake says nothing of who may serve the endpoint.
func TestAFolderThatAnybodyCanMake(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test changes the owners of folders and must be run as root")
	to := hostnet.Listener{UID: stranger, Cookie: 1}
	list := []hostnet.Listener{to}
	for name, c := range map[string]struct {
		mode    os.FileMode // of the folder above
		linked  bool        // the named folder is a link out of a closed folder
		refused bool
	}{
		"the folder above is its owner's":  {mode: 0o755},
		"everybody writes there":           {mode: 0o777, refused: true},
		"everybody writes there, sticky":   {mode: 0o777 | os.ModeSticky, refused: true},
		"a group writes there":             {mode: 0o775, refused: true},
		"a link to a folder that is sound": {mode: 0o755, linked: true},
		"a link to where everybody writes": {mode: 0o777, linked: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			folder := filepath.Join(above, ".jobs")
			require.NoError(t, os.Mkdir(folder, 0o755))
			require.NoError(t, os.Chown(folder, stranger, stranger))
			require.NoError(t, os.Chmod(above, c.mode))
			if c.linked {
				link := filepath.Join(t.TempDir(), "jobs")
				require.NoError(t, os.Chmod(filepath.Dir(link), 0o755))
				require.NoError(t, os.Symlink(folder, link))
				folder = link
			}
			env, _ := probetest.Env()
			reason := newGuard(ConfiguredInstance{Folders: []string{above, folder}}, env).refuse(to.Address, list, list, nil)
			if !c.refused {
				assert.Empty(t, reason)
				return
			}
			assert.Contains(t, reason, folder+": "+errAnybody.Error())
		})
	}
	t.Run("the owner of a closed path", func(t *testing.T) {
		path := t.TempDir()
		require.NoError(t, os.Chown(path, stranger, stranger))
		require.NoError(t, os.Chmod(filepath.Dir(path), 0o755))
		require.NoError(t, os.Chmod(path, 0o777))
		env, _ := probetest.Env()
		assert.Empty(t, newGuard(ConfiguredInstance{Folders: []string{path, filepath.Join(path, ".jobs")}}, env).refuse(to.Address, list, list, nil))
	})
}
