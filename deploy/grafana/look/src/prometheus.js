// Asks Prometheus what a panel asks, as Grafana's data source would, and makes data frames of the answers.
import { FieldType, rangeUtil, toDataFrame } from '@grafana/data';

const scrapeInterval = 15_000;

async function get(path, parameters) {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (body.status !== 'success') {
    throw new Error(`${parameters.query ?? path}: ${body.error}`);
  }
  return body.data;
}

/** The values of $-variables in a query of a panel: those that the address says, else all hosts, all instances, all GPUs. */
const chosen = new URLSearchParams(location.search);

function interpolate(expr, range, interval) {
  const seconds = (range.to - range.from) / 1000;
  const duration = (milliseconds) => `${Math.round(milliseconds / 1000)}s`;
  return expr
    .replaceAll('$__rate_interval', duration(Math.max(interval + scrapeInterval, 4 * scrapeInterval)))
    .replaceAll('$__range_s', String(seconds))
    .replaceAll('$__range', `${seconds}s`)
    .replaceAll('$__interval', duration(interval))
    .replaceAll(/"\$(host|instance|gpu|media)(\|?)"/g, (_, name, none) => `"${chosen.get(`var-${name}`) ?? '.*'}${none}"`);
}

const legend = (format, labels) => format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');

/** Nothing divided by nothing is nothing. */
const number = (text) => (text === 'NaN' ? null : Number(text));

function seriesFrame(target, result, interval) {
  const points = result.values ?? [result.value];
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: points.map(([at]) => at * 1000), config: { interval } },
      {
        name: 'Value', type: FieldType.number, values: points.map(([, value]) => number(value)), labels: result.metric,
        config: { displayNameFromDS: legend(target.legendFormat, result.metric) || JSON.stringify(result.metric) },
      },
    ],
  });
}

function tableFrame(target, results, several) {
  const labels = [...new Set(results.flatMap(({ metric }) => Object.keys(metric)))].filter((name) => name !== '__name__');
  const name = several ? `Value #${target.refId}` : 'Value';
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: results.map(({ value }) => value[0] * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, values: results.map(({ metric }) => metric[label] ?? '') })),
      { name, type: FieldType.number, values: results.map(({ value }) => number(value[1])) },
    ],
  });
}

/** All frames of a panel, in the order of its queries. */
export async function query(panel, range, width) {
  const lowest = panel.interval ? rangeUtil.intervalToMs(panel.interval) : scrapeInterval;
  const span = { from: { valueOf: () => range.from }, to: { valueOf: () => range.to } };
  const interval = rangeUtil.calculateInterval(span, panel.maxDataPoints ?? Math.round(width), `${lowest}ms`).intervalMs;
  const answers = await Promise.all(panel.targets.map(async (target) => {
    const expr = interpolate(target.expr, range, interval);
    if (target.instant) {
      const { result } = await get('/api/v1/query', { query: expr, time: range.to / 1000 });
      return target.format === 'table' ? [tableFrame(target, result, panel.targets.length > 1)] : result.map((r) => seriesFrame(target, r, interval));
    }
    const aligned = (at) => (Math.floor(at / interval) * interval) / 1000;
    const { result } = await get('/api/v1/query_range', { query: expr, start: aligned(range.from), end: aligned(range.to), step: interval / 1000 });
    return result.map((r) => seriesFrame(target, r, interval));
  }));
  return { frames: answers.flat(), interval };
}

/** The exemplars of a panel: time and value. */
export async function exemplars(panel, range) {
  const target = panel.targets.find(({ exemplar }) => exemplar);
  const found = await get('/api/v1/query_exemplars', { query: interpolate(target.expr, range, scrapeInterval), start: range.from / 1000, end: range.to / 1000 });
  const all = found.flatMap(({ exemplars: list }) => list);
  // One run stands in every series it was counted in.
  return [...new Map(all.map((e) => [e.labels.trace_id, { at: e.timestamp * 1000, value: Number(e.value) }])).values()];
}

/** When annotations say that something happened. */
export async function events(annotations, range) {
  const step = Math.max(60, Math.ceil((range.to - range.from) / 1000 / 600));
  const lists = await Promise.all(annotations.map(async ({ expr, iconColor }) => {
    const { result } = await get('/api/v1/query_range', { query: interpolate(expr, range, step * 1000), start: range.from / 1000, end: range.to / 1000, step });
    return result.flatMap(({ values }) => values
      // Consecutive points are one event.
      .filter(([at], i) => i === 0 || at - values[i - 1][0] > 1.5 * step)
      .map(([at]) => ({ at: at * 1000, color: iconColor })));
  }));
  return lists.flat();
}
