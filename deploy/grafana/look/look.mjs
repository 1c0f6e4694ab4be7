// Draws each dashboard against a Prometheus that has data, and writes a picture of it.
//
//   node look.mjs FOLDER       pictures of 1600 pixels width into this folder
//
//   PROMETHEUS_URL   http://127.0.0.1:9090
//   LOOK_AT          the end of the time that is shown, in seconds since 1970: now
//   LOOK_FOR         how much of it is shown, in hours: 6
//   LOOK_LANGUAGE    zh for the Chinese ones, in the time of Shanghai
//   LOOK_UNFOLD      if set, rows are opened
//   LOOK_ONLY        one dashboard: overview
//   LOOK_HOST        one host, but for the overview
//   LOOK_BUILT       if set, the page is not built anew: only the dashboards have changed
//   CHROMIUM         /usr/bin/chromium
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import UPNG from 'upng-js';
import { build, preview } from 'vite';

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node look.mjs FOLDER');
  process.exit(2);
}
const {
  PROMETHEUS_URL = 'http://127.0.0.1:9090', LOOK_AT = Date.now() / 1000, LOOK_FOR = 6, LOOK_UNFOLD, LOOK_ONLY, LOOK_HOST, LOOK_BUILT, LOOK_LANGUAGE = '', CHROMIUM = '/usr/bin/chromium',
} = process.env;
const dashboards = join(import.meta.dirname, '../dashboards', LOOK_LANGUAGE);

// The dashboards are read at each request, and everything else is asked of Prometheus.
const serve = {
  name: 'dashboards',
  configurePreviewServer: ({ middlewares }) => {
    middlewares.use('/dashboards', (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(readFileSync(join(dashboards, new URL(request.url, 'http://look').pathname)));
    });
    // Where Grafana's components look for their icons.
    middlewares.use('/public/build/img', (request, response) => {
      response.setHeader('content-type', 'image/svg+xml');
      response.end(readFileSync(join(import.meta.dirname, 'node_modules/@grafana/ui/dist/public/img', new URL(request.url, 'http://look').pathname)));
    });
  },
};
const config = {
  root: import.meta.dirname, configFile: false, logLevel: 'error', plugins: [serve],
  esbuild: { jsx: 'transform' }, build: { chunkSizeWarningLimit: 1e5, target: 'esnext' },
  preview: { host: '127.0.0.1', port: 0, proxy: { '/api': { target: PROMETHEUS_URL, changeOrigin: true } } },
};

/** The same picture with a palette of 256 colours: half the size, and no eye sees it. */
function small(picture) {
  const image = UPNG.decode(picture);
  return Buffer.from(UPNG.encode(UPNG.toRGBA8(image), image.width, image.height, 256));
}

if (!LOOK_BUILT) {
  await build(config);
}
const server = await preview(config);
const { port } = server.httpServer.address();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--hide-scrollbars', '--force-color-profile=srgb'] });
let failed = false;
try {
  const names = readdirSync(dashboards).filter((file) => file.endsWith('.json')).map((file) => file.replace('.json', '')).filter((name) => !LOOK_ONLY || name === LOOK_ONLY);
  for (const name of names) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, timezoneId: LOOK_LANGUAGE ? 'Asia/Shanghai' : 'UTC', locale: LOOK_LANGUAGE ? 'zh-CN' : 'en-GB' });
    const said = [];
    page.on('pageerror', (error) => said.push(String(error)));
    const asked = new URLSearchParams({ dashboard: name, from: Math.round((LOOK_AT - LOOK_FOR * 3600) * 1000), to: Math.round(LOOK_AT * 1000) });
    if (LOOK_UNFOLD) {
      asked.set('unfold', '');
    }
    if (LOOK_HOST && name !== 'overview') {
      asked.set('var-host', LOOK_HOST);
    }
    await page.goto(`http://127.0.0.1:${port}/?${asked}`);
    try {
      await page.waitForFunction(() => window.look, undefined, { timeout: 120_000 });
      await page.waitForTimeout(500); // fonts and lazy icons
    } catch (error) {
      said.push(String(error));
    }
    const look = await page.evaluate(() => window.look ?? { failed: 'not drawn' });
    const height = await page.evaluate(() => document.getElementById('page').scrollHeight);
    await page.setViewportSize({ width: 1600, height });
    writeFileSync(join(folder, `${name}.png`), small(await page.screenshot()));
    const troubles = [...said, ...(look.failed ? [look.failed] : []), ...Object.entries(look.answers ?? {}).filter(([, what]) => what).map(([title, what]) => `${title}: ${what}`)];
    console.log(`${name}: ${Object.keys(look.answers ?? {}).length} panels${troubles.map((t) => `\n  ${t}`).join('')}`);
    failed ||= said.length > 0 || Boolean(look.failed) || Object.values(look.answers ?? {}).some((what) => what && what !== 'empty');
    await page.close();
  }
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
}
process.exit(failed ? 1 : 0);
