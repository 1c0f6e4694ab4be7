// A panel: its frame, and what it is drawn as.
import { dateTime, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, Icon, PanelChrome, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import React, { useEffect, useLayoutEffect, useState } from 'react';
import { prepare } from './fields.js';
import { Heatmap, Timeline } from './plots.jsx';
import { exemplars, query } from './prometheus.js';

const timeZone = 'browser';

const kinds = { stat: Stat, bargauge: Gauges, timeseries: Lines, table: Cells, heatmap: Heatmap, 'state-timeline': Timeline };

export function Panel({ panel, range, marks, theme, width, height, onDone }) {
  const [data, setData] = useState();
  useEffect(() => {
    (async () => {
      const { frames, interval } = await query(panel, range, width);
      const points = panel.targets.some((t) => t.exemplar) ? await exemplars(panel, range) : [];
      setData({ frames: await prepare(panel, frames, theme, timeZone), interval, points });
    })().catch((error) => setData({ error }));
  }, []);
  useEffect(() => {
    if (data) {
      onDone(panel, data.error ? String(data.error) : data.frames.some((f) => f.length > 0) ? '' : 'empty');
    }
  }, [data]);
  const Kind = kinds[panel.type];
  const linked = panel.links && <PanelChrome.TitleItem key="links" title="links"><Icon name="external-link-alt" size="md" /></PanelChrome.TitleItem>;
  return (
    <PanelChrome title={panel.title} description={panel.description} titleItems={linked} width={width} height={height}>
      {(w, h) => {
        if (!data) {
          return null;
        }
        if (data.error || !data.frames.some((f) => f.length > 0)) {
          return <Message text={data.error ? String(data.error) : panel.fieldConfig.defaults.noValue} big={panel.type === 'stat'} />;
        }
        return <Kind panel={panel} range={range} marks={marks} theme={theme} width={w} height={h} {...data} />;
      }}
    </PanelChrome>
  );
}

function Message({ text, big }) {
  return <div style={{ height: '100%', display: 'grid', placeItems: 'center', textAlign: 'center', opacity: 0.7, fontSize: big ? 18 : 14 }}>{text}</div>;
}

function displayValues(panel, frames, theme, sparkline) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (s) => s, theme, data: frames, timeZone, sparkline,
  });
}

function Stat({ panel, frames, theme, width, height }) {
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayValues(panel, frames, theme, false)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width: w, height: h, alignmentFactors, count }) => (
        <BigValue value={value.display} count={count} colorMode={options.colorMode} graphMode={options.graphMode}
          justifyMode={options.justifyMode} textMode={options.textMode} text={options.text} wideLayout={options.wideLayout} alignmentFactors={alignmentFactors} theme={theme} width={w} height={h} />
      )}
      width={width} height={height} source={frames} orientation={width > height ? 'vertical' : 'horizontal'} autoGrid renderCounter={0} />
  );
}

function Gauges({ panel, frames, theme, width, height }) {
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayValues(panel, frames, theme, false)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width: w, height: h, alignmentFactors }) => (
        <BarGauge value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)} displayMode={options.displayMode} valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement} orientation={options.orientation} showUnfilled={options.showUnfilled} itemSpacing={8} lcdCellWidth={8}
          alignmentFactors={alignmentFactors} theme={theme} width={w} height={h} />
      )}
      width={width} height={height} minVizHeight={options.minVizHeight} maxVizHeight={options.maxVizHeight} minVizWidth={options.minVizWidth}
      source={frames} orientation={options.orientation} itemSpacing={8} renderCounter={0} />
  );
}

function Cells({ panel, frames, width, height }) {
  const [sort] = panel.options.sortBy;
  return <Table data={frames[0]} width={width} height={height} cellHeight={panel.options.cellHeight} initialSortBy={[{ displayName: sort.displayName, desc: sort.desc }]} timeRange={null} />;
}

function Lines({ panel, frames, range, marks, theme, width, height }) {
  const timeRange = { from: dateTime(range.from), to: dateTime(range.to), raw: { from: '', to: '' } };
  return (
    <TimeSeries frames={frames} structureRev={1} timeRange={timeRange} timeZone={timeZone} width={width} height={height} legend={panel.options.legend} options={panel.options}>
      {(config) => <Marks config={config} marks={marks} theme={theme} />}
    </TimeSeries>
  );
}

/** Annotations: dashed lines with a tip at the bottom. */
function Marks({ config, marks, theme }) {
  useLayoutEffect(() => {
    config.addHook('draw', (u) => {
      u.ctx.save();
      for (const { at, color } of marks) {
        const x = Math.round(u.valToPos(at, 'x', true));
        const bottom = u.bbox.top + u.bbox.height;
        u.ctx.strokeStyle = u.ctx.fillStyle = theme.visualization.getColorByName(color);
        u.ctx.setLineDash([4, 4]);
        u.ctx.globalAlpha = 0.6;
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, bottom);
        u.ctx.stroke();
        u.ctx.globalAlpha = 1;
        u.ctx.beginPath();
        u.ctx.moveTo(x, bottom);
        u.ctx.lineTo(x - 4, bottom + 6);
        u.ctx.lineTo(x + 4, bottom + 6);
        u.ctx.fill();
      }
      u.ctx.restore();
    });
  }, [config]);
  return null;
}
