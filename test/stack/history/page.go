package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Series is a line of a page with the labels that a scrape adds.
type Series struct {
	Labels labels.Labels
	// Family is the metric's name on its TYPE line, which for a counter of OpenMetrics has no
	// _total.
	Family string
	Type   model.MetricType
	// Value is the value on the page.
	Value float64
}

// Name is the series' own, with _bucket or _total.
func (s Series) Name() string { return s.Labels.Get(model.MetricNameLabel) }

// Get returns the value of a label, "" if it is not there.
func (s Series) Get(label string) string { return s.Labels.Get(label) }

// ScrapeTarget is what a page was read from.
type ScrapeTarget struct {
	// Labels are added to every series that does not say them by itself, as honor_labels does.
	Labels labels.Labels
	// Pages are files with what the target said at several times; a series that was on any of them
	// exists.
	Pages []string
}

// Read returns all series of the targets, those of the scrapes themselves among them.
func Read(targets []ScrapeTarget) ([]Series, error) {
	var all []Series
	for _, target := range targets {
		seen := map[uint64]bool{}
		for _, file := range target.Pages {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("read a page: %w", err)
			}
			found, err := parse(data, target.Labels)
			if err != nil {
				return nil, fmt.Errorf("read the page %s: %w", file, err)
			}
			for _, s := range found {
				if !seen[s.Labels.Hash()] {
					seen[s.Labels.Hash()] = true
					all = append(all, s)
				}
			}
		}
		all = append(all, ofScrape(target, float64(len(seen)))...)
	}
	return all, nil
}

// parse reads both formats of the collector: OpenMetrics for the observed metrics, the text format
// for its own.
func parse(page []byte, added labels.Labels) ([]Series, error) {
	kind := "text/plain; version=0.0.4"
	if strings.HasSuffix(strings.TrimSpace(string(page)), "# EOF") {
		kind = "application/openmetrics-text; version=1.0.0"
	}
	p, err := textparse.New(page, kind, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	var found []Series
	var family string
	var metric model.MetricType
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		switch entry {
		case textparse.EntryType:
			name, t := p.Type()
			family, metric = string(name), t
		case textparse.EntrySeries:
			var own labels.Labels
			p.Labels(&own)
			_, _, value := p.Series()
			found = append(found, Series{Labels: scraped(own, added), Family: family, Type: metric, Value: value})
		}
	}
}

// scraped merges the labels as honor_labels does: those of the page win.
func scraped(own, added labels.Labels) labels.Labels {
	b := labels.NewBuilder(own)
	added.Range(func(l labels.Label) {
		if own.Get(l.Name) == "" {
			b.Set(l.Name, l.Value)
		}
	})
	return b.Labels()
}

// ofScrape are the series that Prometheus writes about each scrape.
func ofScrape(target ScrapeTarget, samples float64) []Series {
	var found []Series
	for _, of := range []struct {
		name  string
		value float64
	}{{"up", 1}, {"scrape_duration_seconds", 0.02}, {"scrape_samples_scraped", samples}, {"scrape_samples_post_metric_relabeling", samples}, {"scrape_series_added", 0}} {
		b := labels.NewBuilder(target.Labels)
		b.Set(model.MetricNameLabel, of.name)
		found = append(found, Series{Labels: b.Labels(), Family: of.name, Type: model.MetricTypeGauge, Value: of.value})
	}
	return found
}

// Rename makes the series those of another host, with other GPUs: the first host keeps its GPUs.
func Rename(series []Series, host string, index int) []Series {
	renamed := make([]Series, len(series))
	for n, s := range series {
		b := labels.NewBuilder(s.Labels)
		b.Set("host_name", host)
		if index > 0 {
			for _, label := range []string{"host_id", "hw_id", "hw_parent"} {
				if value := s.Get(label); value != "" {
					b.Set(label, fmt.Sprintf("%s%x%s", value[:len(value)-4], index%16, value[len(value)-3:]))
				}
			}
		}
		s.Labels = b.Labels()
		renamed[n] = s
	}
	return renamed
}
