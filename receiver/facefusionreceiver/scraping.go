package facefusionreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/scraper"
	"go.opentelemetry.io/collector/scraper/scraperhelper"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/staleness"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/trigger"
)

// newScraping makes the metrics of a receiver: the Collector's own scrape controller, with one
// scraper for each probe.
func newScraping(shared *sharedReceiver, cfg *Config, set receiver.Settings, next consumer.Metrics) (receiver.Metrics, error) {
	options := []scraperhelper.ControllerOption{scraperhelper.WithTickerChannel(shared.trigger.C())}
	for i, p := range shared.probes {
		s, err := newScraper(p, shared.parts[i])
		if err != nil {
			return nil, err
		}
		options = append(options, scraperhelper.AddMetricsScraper(component.MustNewType(p.Name()), s))
	}
	return scraperhelper.NewMetricsController(&cfg.Controller, set, next, options...)
}

func newScraper(p probe.Probe, part *trigger.Part) (scraper.Metrics, error) {
	ended := staleness.New()
	return scraper.NewMetrics(func(context.Context) (pmetric.Metrics, error) {
		if !part.Take() {
			return pmetric.NewMetrics(), nil
		}
		metrics := p.Scrape(time.Now())
		ended.Mark(metrics)
		return metrics, nil
	})
}
