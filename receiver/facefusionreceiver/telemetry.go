package facefusionreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/delivery"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// registerTelemetry reports how the observations of each probe go, whenever the Collector's own
// metrics are read. id is the receiver's: two of them are distinguished as in the Collector's own
// metrics of receivers.
func registerTelemetry(builder *metadata.TelemetryBuilder, id component.ID, probes []probe.Probe, gate *hostfs.Gate) error {
	receiver := delivery.ReceiverAttribute(id)
	of := func(p probe.Probe, more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributes(append(more, receiver, attribute.String("probe", p.Name()))...)
	}
	return errors.Join(
		builder.RegisterReceiverFacefusionObservationsCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				o.Observe(int64(p.Health().Observations), of(p))
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionObservationFailuresCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				// Of a probe that never failed there is one zero; of one that did, each kind from
				// its first on.
				failures := p.Health().FailuresBy
				o.Observe(int64(failures[poll.Other]), of(p, attribute.String("error.type", string(poll.Other))))
				for kind, n := range failures {
					if kind != poll.Other {
						o.Observe(int64(n), of(p, attribute.String("error.type", string(kind))))
					}
				}
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionObservationAgeCallback(func(_ context.Context, o metric.Float64Observer) error {
			for _, p := range probes {
				if age, started := age(p, time.Now()); started {
					o.Observe(age.Seconds(), of(p))
				}
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionOverLimitCallback(func(_ context.Context, o metric.Int64Observer) error {
			for _, p := range probes {
				if bounded, is := p.(probe.Bounded); is {
					for _, over := range bounded.OverLimits() {
						o.Observe(int64(over.Items), metric.WithAttributes(receiver, attribute.String("limit", over.Limit)))
					}
				}
			}
			return nil
		}),
		builder.RegisterReceiverFacefusionFileSystemsUnresponsiveCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(len(gate.Unresponsive())), metric.WithAttributes(receiver))
			return nil
		}),
	)
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
