package webprobe

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// record turns one server into points. A server of which nothing can be said yields none.
func record(mb *metadata.MetricsBuilder, server *webui.Server, now time.Time) {
	if server.State == webui.StateUnknown {
		return
	}
	ts, port := pcommon.NewTimestampFromTime(now), int64(server.Port)
	if server.State != webui.StateNotProbed { // whether it is up was not looked at
		mb.RecordFacefusionServerUpDataPoint(ts, probe.OneIf(server.State == webui.StateReady || server.State == webui.StateAnswering), port)
	}
	if kind, ok := metadata.MapAttributeFacefusionServerKind[string(server.Kind)]; ok {
		mb.RecordFacefusionServerKindDataPoint(ts, 1, port, kind)
	}
	if server.Health != nil {
		recordHealth(mb, server.Health, now, port)
	}
	for state := range probe.Values[metadata.AttributeFacefusionServerState]() {
		mb.RecordFacefusionServerStateDataPoint(ts, probe.OneIf(string(server.State) == state.String()), port, state)
	}
	if server.QueueSize.Known {
		mb.RecordFacefusionServerQueueSizeDataPoint(ts, server.QueueSize.V, port)
	}
	if server.Viewers.Known {
		mb.RecordFacefusionServerViewersDataPoint(ts, server.Viewers.V, port)
	}
	for i := range server.Functions {
		if f := &server.Functions[i]; slices.Contains(webui.PollFunctions[:], f.Name) {
			mb.RecordFacefusionServerPollsDataPoint(ts, f.Requests, port)
			continue
		}
		recordFunction(mb, &server.Functions[i], ts, port)
	}
}

func recordHealth(mb *metadata.MetricsBuilder, h *webui.CheckResult, now time.Time, port int64) {
	ts := pcommon.NewTimestampFromTime(now)
	mb.RecordFacefusionHealthUpDataPoint(ts, probe.OneIf(h.OK), port)
	mb.RecordFacefusionHealthDurationDataPoint(ts, h.Duration, port)
	if h.CertificateExpiry.Known {
		mb.RecordFacefusionHealthCertificateRemainingDataPoint(ts, h.CertificateExpiry.V.Sub(now).Seconds(), port)
	}
}

func recordFunction(mb *metadata.MetricsBuilder, f *webui.Function, ts pcommon.Timestamp, port int64) {
	mb.RecordFacefusionServerRequestsDataPoint(ts, f.Requests, port, f.Name)
	if f.Failed.Known {
		mb.RecordFacefusionServerRequestFailedDataPoint(ts, f.Failed.V, port, f.Name)
	}
	for _, p := range [...]struct {
		percentile metadata.AttributePercentile
		duration   reading.Value[float64]
	}{{metadata.AttributePercentileP50, f.P50}, {metadata.AttributePercentileP90, f.P90}, {metadata.AttributePercentileP99, f.P99}} {
		if p.duration.Known {
			mb.RecordFacefusionServerRequestDurationPercentileDataPoint(ts, p.duration.V, port, f.Name, p.percentile)
		}
	}
}

// appendProbeDurations adds the latency of our own requests, a histogram, to what mdatagen's
// builder made.
func appendProbeDurations(cfg *HistogramConfig, metrics pmetric.MetricSlice, servers []webui.Server, now time.Time) {
	if !slices.ContainsFunc(servers, func(s webui.Server) bool { return len(s.Probes) > 0 }) {
		return
	}
	points := serverProbeDuration.Append(metrics)
	for i := range servers {
		for _, stats := range servers[i].Probes {
			attributes := probe.AppendPoint(points, stats.Duration.Coarser(cfg.Bounds), stats.Start, now).Attributes()
			attributes.PutInt("server.port", int64(servers[i].Port))
			attributes.PutStr("facefusion.probe", string(stats.Probe))
			if stats.ErrorType != "" {
				attributes.PutStr("error.type", stats.ErrorType)
			} else {
				attributes.PutInt("http.response.status_code", int64(stats.StatusCode))
			}
		}
	}
}
