// A dashboard as Grafana would show it: drawn by Grafana's own components wherever its packages have them.
import { createTheme, dateTimeFormat, standardFieldConfigEditorRegistry, ThemeContext } from '@grafana/data';
import { GlobalStyles, Icon, PortalContainer } from '@grafana/ui';
import React, { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Panel } from './panels.jsx';
import { events } from './prometheus.js';

standardFieldConfigEditorRegistry.setInit(() => []);

// Grafana's grid: 24 columns, rows of 30 pixels, 8 pixels between.
const [columns, rowHeight, margin, padding] = [24, 30, 8, 16];

const parameters = new URLSearchParams(location.search);
const range = { from: Number(parameters.get('from')), to: Number(parameters.get('to')) };
const unfold = parameters.has('unfold');
const theme = createTheme({ colors: { mode: 'dark' } });

/** The panels to draw: rows open or closed, what is below moved. */
function layout(panels) {
  let shift = 0;
  return panels.flatMap((panel) => {
    const open = panel.panels && unfold;
    const below = { y: panel.gridPos.y + panel.gridPos.h };
    const moved = [panel, ...(open ? panel.panels : [])].map((p) => ({ ...p, gridPos: { ...p.gridPos, y: p.gridPos.y + shift } }));
    if (open) {
      moved[0].collapsed = false;
      shift += Math.max(...panel.panels.map(({ gridPos: { y, h } }) => y + h)) - below.y;
    }
    return moved;
  });
}

function Grid({ dashboard, marks, onDone }) {
  const width = window.innerWidth - 2 * padding;
  const column = (width - margin * (columns - 1)) / columns;
  const panels = layout(dashboard.panels);
  const place = ({ x, y, w, h }) => ({
    left: x * (column + margin), top: y * (rowHeight + margin), width: w * column + (w - 1) * margin, height: h * rowHeight + (h - 1) * margin,
  });
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  return (
    <div style={{ position: 'relative', margin: padding, marginTop: 8, height: bottom * (rowHeight + margin) }}>
      {panels.map((panel) => {
        const { left, top, width: w, height: h } = place(panel.gridPos);
        return (
          <div key={panel.id} style={{ position: 'absolute', left, top, width: w, height: h }}>
            {panel.type === 'row' ? <Row panel={panel} /> : <Panel panel={panel} range={range} marks={marks} theme={theme} width={w} height={h} onDone={onDone} />}
          </div>
        );
      })}
    </div>
  );
}

function Row({ panel }) {
  return (
    <div style={{ display: 'flex', alignItems: 'center', gap: 8, height: '100%', fontSize: 16, fontWeight: 500 }}>
      <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} />{panel.title}
      {panel.collapsed && <span style={{ color: theme.colors.text.secondary, fontSize: 12, fontStyle: 'italic', fontWeight: 400 }}>({panel.panels.length} panels)</span>}
    </div>
  );
}

function Head({ dashboard }) {
  const box = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, display: 'inline-flex', height: 32, alignItems: 'center', fontSize: 12 };
  const time = (at) => dateTimeFormat(at, { format: 'YYYY-MM-DD HH:mm' });
  return (
    <div style={{ padding: `12px ${padding}px 0` }}>
      <div style={{ display: 'flex', alignItems: 'center', gap: 12, marginBottom: 12 }}>
        <span style={{ fontSize: 18, fontWeight: 500, flex: 1 }}>{dashboard.title}</span>
        <span style={{ ...box, padding: '0 8px', gap: 8 }}><Icon name="clock-nine" />{time(range.from)} to {time(range.to)}</span>
      </div>
      <div style={{ display: 'flex', gap: 16, alignItems: 'center' }}>
        {dashboard.templating.list.filter((v) => v.hide !== 2).map((v) => (
          <span key={v.name} style={box}>
            <span style={{ background: theme.colors.background.secondary, padding: '0 8px', lineHeight: '30px', fontWeight: 500 }}>{v.label}</span>
            <span style={{ padding: '0 8px' }}>{v.type === 'datasource' ? v.current.text : parameters.get(`var-${v.name}`) ?? 'All'}</span><Icon name="angle-down" />
          </span>
        ))}
      </div>
    </div>
  );
}

function Page() {
  const [loaded, setLoaded] = useState();
  useEffect(() => {
    (async () => {
      const dashboard = await (await fetch(`/dashboards/${parameters.get('dashboard')}.json`)).json();
      const marks = await events(dashboard.annotations.list, range);
      // A canvas does not draw its text again when the font comes.
      await document.fonts.load(`12px ${theme.typography.fontFamily}`).catch(() => {});
      await document.fonts.ready;
      setLoaded({ dashboard, marks });
    })().catch((error) => { window.look = { failed: String(error) }; });
  }, []);
  if (!loaded) {
    return null;
  }
  const expected = layout(loaded.dashboard.panels).filter(({ type }) => type !== 'row').length;
  const answers = {};
  const onDone = (panel, what) => {
    answers[panel.title] = what;
    // The next frame has drawn them.
    if (Object.keys(answers).length && (window.lookCount = (window.lookCount ?? 0) + 1) === expected) {
      requestAnimationFrame(() => requestAnimationFrame(() => { window.look = { answers }; }));
    }
  };
  return (
    <>
      <Head {...loaded} />
      <Grid {...loaded} onDone={onDone} />
    </>
  );
}

createRoot(document.getElementById('page')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <PortalContainer />
    <Page />
  </ThemeContext.Provider>,
);
