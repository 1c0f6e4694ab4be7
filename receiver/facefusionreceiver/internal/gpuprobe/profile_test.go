package gpuprobe

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// switches are the metrics that are measured by GPM, as metadata.yaml says of them, and their
// switches.
func switches(t *testing.T, c *metadata.MetricsConfig) map[string]*bool {
	found := make(map[string]*bool)
	for i, value := 0, reflect.ValueOf(c).Elem(); i < value.NumField(); i++ {
		field := value.Type().Field(i)
		switch name := field.Tag.Get("mapstructure"); {
		case !strings.HasPrefix(name, "nvidia.gpu."), name == "nvidia.gpu.memory.controller.utilization":
		case strings.HasSuffix(name, ".throughput"), strings.HasPrefix(name, "nvidia.gpu.sm."),
			strings.HasSuffix(name, ".utilization"):
			found[name] = value.Field(i).FieldByName("Enabled").Addr().Interface().(*bool)
		}
	}
	require.Len(t, found, 8)
	return found
}

func TestEnginesAreMeasuredWhenAnyOfTheirMetricsIsOn(t *testing.T) {
	c := metadata.DefaultMetricsConfig()
	require.False(t, wantsProfile(&c))
	for name, on := range switches(t, &c) {
		*on = true
		require.True(t, wantsProfile(&c), name)
		*on = false
	}
	require.False(t, wantsProfile(&c))
}

func TestMetricsOfTheEngines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		for _, on := range switches(t, &env.Metrics.Metrics) {
			*on = true
		}
		mb := metadata.NewMetricsBuilder(env.Metrics, env.Settings)
		all, part := new(gpu.Profile), new(gpu.Profile)
		for q := range all {
			all[q] = reading.Known(float64(q+1) / 64)
		}
		all[gpu.ProfileDecoder+7].Known = false
		part[gpu.ProfileGraphics] = reading.Known(0.75)
		time.Sleep(time.Minute)
		recordProfile(mb, pcommon.NewTimestampFromTime(time.Now()), all, "GPU-1", "GPU 0")
		recordProfile(mb, pcommon.NewTimestampFromTime(time.Now()), part, "MIG-1", "GPU 0 MIG 1")
		recordProfile(mb, pcommon.NewTimestampFromTime(time.Now()), nil, "GPU-2", "GPU 1")
		probetest.Metrics(t, "testdata/profile.yaml", mb.Emit(metadata.WithResource(env.HostResource())))
	})
}
