// Heatmap and state timeline. Grafana keeps these two inside of its server, so that they are drawn here: on the same axes as its other panels.
import { FieldType, formattedValueToString, getDisplayProcessor } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleDistribution, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder, VizLayout, VizLegend } from '@grafana/ui';
import { interpolateBlues } from 'd3-scale-chromatic';
import React, { useMemo } from 'react';

/** A plot over time whose y axis is rows with names, drawn by paint. */
function Rows({ range, rows, at, paint, theme, width, height }) {
  const config = useMemo(() => {
    const builder = new UPlotConfigBuilder('browser');
    builder.addScale({ scaleKey: 'x', orientation: ScaleOrientation.Horizontal, direction: ScaleDirection.Right, isTime: true, range: () => [range.from, range.to] });
    builder.addScale({ scaleKey: 'y', orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up, range: () => [0, rows.length] });
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: 'browser', theme, grid: { show: true } });
    builder.addAxis({
      scaleKey: 'y', placement: AxisPlacement.Left, theme, grid: { show: false }, ticks: { show: false }, distr: ScaleDistribution.Ordinal,
      splits: () => rows.map((_, i) => i + at), values: () => rows,
    });
    builder.addSeries({ scaleKey: 'y', theme, show: false, pathBuilder: () => null, pointsBuilder: () => null, colorMode: {}, fieldName: 'y' });
    builder.addHook('draw', (u) => {
      u.ctx.save();
      u.ctx.beginPath();
      u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      u.ctx.clip();
      paint(u);
      u.ctx.restore();
    });
    return builder;
  }, [range, rows, paint, theme]);
  return <UPlotChart config={config} data={[[range.from, range.to], [0, rows.length]]} width={width} height={height} />;
}

/** Cumulative buckets, as Prometheus has them, become the counts of each. */
function buckets(frames) {
  const rows = frames
    .map((frame) => ({ le: Number((frame.fields[1].labels.le ?? '').replace('+Inf', 'Infinity')), times: frame.fields[0].values, values: frame.fields[1].values }))
    .sort((a, b) => a.le - b.le);
  return rows.map((row, i) => {
    const below = i > 0 ? new Map(rows[i - 1].times.map((t, j) => [t, rows[i - 1].values[j]])) : new Map();
    return { le: row.le, cells: row.times.map((t, j) => ({ t, count: row.values[j] - (below.get(t) ?? 0) })) };
  });
}

export function Heatmap({ frames, interval, points, range, panel, theme, width, height }) {
  const { rows, paint } = useMemo(() => {
    const all = buckets(frames);
    // Rows that nothing was ever counted in are left out above and below, as there are many bounds for videos and for images.
    const used = all.map(({ cells }) => cells.some(({ count }) => count > 1e-9));
    const first = used.indexOf(true);
    const kept = all.slice(Math.max(0, first), used.lastIndexOf(true) + 1);
    const display = getDisplayProcessor({ field: { type: FieldType.number, config: { unit: panel.options.yAxis.unit } }, theme });
    const most = Math.max(...kept.flatMap(({ cells }) => cells.map(({ count }) => count)));
    const height = (value) => {
      const i = kept.findIndex(({ le }) => value <= le);
      const lower = i > 0 ? kept[i - 1].le : all[Math.max(0, first) - 1]?.le ?? 0;
      const upper = Number.isFinite(kept[i]?.le) ? kept[i].le : 2 * lower;
      return i + (value - lower) / (upper - lower);
    };
    return {
      rows: kept.map(({ le }) => (Number.isFinite(le) ? formattedValueToString(display(le)) : 'longer')),
      paint: (u) => {
        kept.forEach(({ cells }, i) => {
          const top = u.valToPos(i + 1, 'y', true);
          const bottom = u.valToPos(i, 'y', true);
          for (const { t, count } of cells.filter((c) => c.count > 1e-9)) {
            const left = u.valToPos(t - interval, 'x', true);
            u.ctx.fillStyle = interpolateBlues(1 - (count / most) ** panel.options.color.exponent);
            u.ctx.fillRect(left + 0.5, top + 0.5, u.valToPos(t, 'x', true) - left - 1, bottom - top - 1);
          }
        });
        u.ctx.fillStyle = theme.visualization.getColorByName(panel.options.exemplars.color);
        for (const { at, value } of points) {
          const [x, y] = [u.valToPos(at, 'x', true), u.valToPos(height(value), 'y', true)];
          u.ctx.beginPath();
          u.ctx.moveTo(x, y - 4);
          u.ctx.lineTo(x + 4, y);
          u.ctx.lineTo(x, y + 4);
          u.ctx.lineTo(x - 4, y);
          u.ctx.fill();
        }
      },
    };
  }, [frames, points]);
  return <Rows range={range} rows={rows} at={1} paint={paint} theme={theme} width={width} height={height} />;
}

export function Timeline({ frames, range, interval, panel, theme, width, height }) {
  const { rows, paint, items } = useMemo(() => {
    const series = frames.map((frame) => ({ name: frame.fields[1].config.displayNameFromDS, times: frame.fields[0].values, values: frame.fields[1].values }));
    series.sort((a, b) => b.name.localeCompare(a.name));
    const states = panel.fieldConfig.defaults.mappings[0].options;
    const color = (value) => theme.visualization.getColorByName(states[value]?.color ?? 'text');
    const seen = new Set(series.flatMap(({ values }) => values));
    return {
      rows: series.map(({ name }) => name),
      items: Object.keys(states).filter((value) => seen.has(Number(value))).map((value) => ({ label: states[value].text, color: color(value), yAxis: 1 })),
      paint: (u) => series.forEach(({ times, values }, i) => {
        const middle = u.valToPos(i + 0.5, 'y', true);
        const half = (u.bbox.height / series.length) * panel.options.rowHeight / 2;
        for (let from = 0; from < times.length;) {
          let to = from + 1;
          while (to < times.length && values[to] === values[from] && times[to] - times[to - 1] < 2 * interval) {
            to++;
          }
          const gap = to === times.length || times[to] - times[to - 1] > 2 * interval;
          const [left, right] = [u.valToPos(times[from], 'x', true), u.valToPos(gap ? times[to - 1] + interval : times[to], 'x', true)];
          u.ctx.globalAlpha = panel.fieldConfig.defaults.custom.fillOpacity / 100;
          u.ctx.fillStyle = color(values[from]);
          u.ctx.fillRect(left, middle - half, right - left, 2 * half);
          u.ctx.globalAlpha = 1;
          const text = states[values[from]]?.text ?? '';
          u.ctx.textAlign = 'left';
          u.ctx.font = `12px ${theme.typography.fontFamily}`;
          if (u.ctx.measureText(text).width + 12 < right - left) {
            u.ctx.fillStyle = theme.colors.getContrastText(color(values[from]), 3);
            u.ctx.textBaseline = 'middle';
            u.ctx.fillText(text, Math.max(left, u.bbox.left) + 6, middle);
          }
          from = to;
        }
      }),
    };
  }, [frames]);
  return (
    <VizLayout width={width} height={height} legend={<VizLayout.Legend placement="bottom"><VizLegend placement="bottom" displayMode="list" items={items} /></VizLayout.Legend>}>
      {(w, h) => <Rows range={range} rows={rows} at={0.5} paint={paint} theme={theme} width={w} height={h} />}
    </VizLayout>
  );
}
