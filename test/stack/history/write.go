package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Settings are the settings of a history.
type Settings struct {
	// End is the time of the last sample.
	End time.Time
	// Seed is the seed of all random values.
	Seed uint64
	// Quiet leaves out the incidents of the calendar.
	Quiet bool
}

// span is a part of the history with one distance between samples. A part is a block of Prometheus:
// a day at most.
type span struct {
	begin, end time.Time
	every      time.Duration
}

const day = 24 * time.Hour

// spans: the last day as a scrape sees it, before it nine days for the windows of the rules and for
// last week, and two days of a year ago.
func spans(end time.Time) []span {
	var all []span
	cut := func(from, to, every time.Duration) {
		for begin := end.Add(-from); begin.Before(end.Add(-to)); begin = begin.Add(day) {
			stop := begin.Add(day)
			if last := end.Add(-to); stop.After(last) {
				stop = last
			}
			all = append(all, span{begin, stop, every})
		}
	}
	cut(367*day, 365*day-2*time.Hour, 2*time.Minute)
	cut(9*day+2*time.Hour, 26*time.Hour, time.Minute)
	cut(26*time.Hour, 0, 15*time.Second)
	return all
}

// Write writes the history of the series to a folder of blocks, and returns the names of the series
// that the model does not know: they stay as they are.
func Write(ctx context.Context, dir string, series []Series, set Settings) ([]string, error) {
	m := newMachine(set, series)
	readings, unknown := m.bind(series)
	for _, sp := range spans(set.End) {
		if err := writeBlock(ctx, dir, func(app func() storage.Appender) error { return m.record(app, sp, series, readings) }); err != nil {
			return nil, fmt.Errorf("write the history from %s: %w", sp.begin.Format(time.RFC3339), err)
		}
	}
	return unknown, nil
}

// record advances the model through a span and appends the samples of each step. The end of a span
// belongs to the next one.
func (m *machine) record(appender func() storage.Appender, sp span, series []Series, readings []valueFunc) error {
	refs := make([]storage.SeriesRef, len(series))
	for t := sp.begin; t.Before(sp.end); {
		app := appender()
		// A commit for every few steps is a compromise between memory and speed.
		for step := 0; step < 60 && t.Before(sp.end); step++ {
			m.pass(t, sp.every)
			for n := range series {
				ref, err := app.Append(refs[n], series[n].Labels, t.UnixMilli(), readings[n]())
				if err != nil {
					return errors.Join(fmt.Errorf("%s: %w", series[n].Labels, err), app.Rollback())
				}
				refs[n] = ref
			}
			t = t.Add(sp.every)
		}
		if err := app.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// writeBlock writes the samples that fill appends as one block.
func writeBlock(ctx context.Context, dir string, fill func(func() storage.Appender) error) (err error) {
	// A block is written whole, whatever it spans.
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (400 * day).Milliseconds())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := fill(func() storage.Appender { return w.Appender(ctx) }); err != nil {
		return err
	}
	_, err = w.Flush(ctx)
	return err
}
