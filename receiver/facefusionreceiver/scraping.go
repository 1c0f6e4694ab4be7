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
)

// newScraping makes the metrics of a receiver: the Collector's own scrape controller, with one scraper for each probe.
func newScraping(o *observer, cfg *Config, set receiver.Settings, next consumer.Metrics) (receiver.Metrics, error) {
	options := []scraperhelper.ControllerOption{scraperhelper.WithTickerChannel(o.pulse.C)}
	for _, p := range o.probes {
		s, err := newScraper(p)
		if err != nil {
			return nil, err
		}
		options = append(options, scraperhelper.AddMetricsScraper(component.MustNewType(p.Name()), s))
	}
	return scraperhelper.NewMetricsController(&cfg.Controller, set, next, options...)
}

func newScraper(p probe.Probe) (scraper.Metrics, error) {
	ended := newStaleness()
	return scraper.NewMetrics(func(context.Context) (pmetric.Metrics, error) {
		metrics := p.Scrape(time.Now())
		ended.mark(metrics)
		return metrics, nil
	})
}
