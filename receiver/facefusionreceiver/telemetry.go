package facefusionreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// registerTelemetry reports how the observations of each probe go, whenever the Collector's own
// metrics are read.
func registerTelemetry(builder *metadata.TelemetryBuilder, probes []probe.Probe, gate *hostfs.Gate) error {
	return errors.Join(
		builder.RegisterReceiverFacefusionObservationsCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				o.Observe(int64(p.Health().Observations), probeName(p))
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionObservationFailuresCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				o.Observe(int64(p.Health().Failures), probeName(p))
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionObservationAgeCallback(func(_ context.Context, o metric.Float64Observer) error {
			for _, p := range probes {
				if age, started := age(p, time.Now()); started {
					o.Observe(age.Seconds(), probeName(p))
				}
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionOverLimitCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				if bounded, is := p.(probe.Bounded); is {
					for _, over := range bounded.OverLimits() {
						o.Observe(int64(over.Items), metric.WithAttributes(attribute.String("limit", over.Limit)))
					}
				}
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionFileSystemsUnresponsiveCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(len(gate.Unresponsive())))
			return nil
		}),
	)
}

func probeName(p probe.Probe) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("probe", p.Name()))
}

// age is how long ago a probe's last good observation was, or its start when it had none.
func age(p probe.Probe, now time.Time) (time.Duration, bool) {
	h := p.Health()
	switch {
	case !h.LastSuccess.IsZero():
		return now.Sub(h.LastSuccess), true
	case !h.Started.IsZero():
		return now.Sub(h.Started), true
	default:
		return 0, false
	}
}
