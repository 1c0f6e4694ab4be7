// What Grafana's panel model does between the data and the picture: transformations, defaults, overrides.
import { applyFieldOverrides, getFieldDisplayName, standardTransformers, standardTransformersRegistry, stringToJsRegex, transformDataFrame } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

// Some have two names.
standardTransformersRegistry.setInit(() => [...new Set(Object.values(standardTransformers))].map((transformation) => ({
  id: transformation.id, name: transformation.name, transformation, aliasIds: transformation.aliasIds, editor: () => null,
})));

/** JSON has no infinity: the first threshold has no value there. */
const withInfinity = (thresholds) => ({ ...thresholds, steps: thresholds.steps.map((s) => ({ ...s, value: s.value ?? -Infinity })) });

function set(config, id, value) {
  const path = id.split('.');
  const last = path.pop();
  let at = config;
  for (const name of path) {
    at = at[name] = { ...at[name] };
  }
  at[last] = id === 'thresholds' ? withInfinity(value) : value;
}

function matches({ id, options }, name) {
  return id === 'byName' ? name === options : stringToJsRegex(options).test(name);
}

/** The frames as a panel wants them: transformed, and with their fields' configuration applied. */
export async function prepare(panel, frames, theme, timeZone) {
  const { defaults, overrides } = panel.fieldConfig;
  const context = { interpolate: (s) => s };
  const transformed = panel.transformations ? await firstValueFrom(transformDataFrame(panel.transformations, frames, context)) : frames;
  for (const frame of transformed) {
    for (const field of frame.fields) {
      const name = getFieldDisplayName(field, frame, transformed);
      const { custom, ...rest } = defaults;
      field.config = { ...rest, ...field.config, thresholds: withInfinity(defaults.thresholds), custom: { ...custom, ...field.config.custom } };
      for (const { properties } of overrides.filter(({ matcher }) => field.name !== 'Time' && matches(matcher, name))) {
        properties.forEach(({ id, value }) => set(field.config, id, value));
      }
    }
  }
  return applyFieldOverrides({ data: transformed, fieldConfig: { defaults: {}, overrides: [] }, replaceVariables: (s) => s, theme, timeZone });
}
