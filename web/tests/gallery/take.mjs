// Takes a picture of each specimen of the gallery, alone on the page, in both themes and both
// directions.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';

import { decoded } from './picture.mjs';

const LOOKS = ['paper', 'ink'].flatMap((theme) => ['en', 'ar'].map((language) => ({ theme, language })));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
/** High enough for most; a higher specimen gets a higher window. */
const VIEW = { width: 1280, height: 2000 };
const [NARROW, BROAD] = [360, 1200];
/** A day the recorded times are read on: rows tell "today" from other days. */
const NOW = Date.UTC(2026, 10, 20, 18);

/** Nothing of the page around a specimen may move it. */
const ALONE = `
  body { visibility: hidden; }
  [data-specimen]:not([data-alone]) { display: none !important; }
  [data-alone] { position: absolute !important; inset-block-start: 0; inset-inline-start: 0; visibility: visible; }
`;

/** A text in the fonts of this computer, whatever the page looks like. */
const SAMPLE = `<!doctype html><meta charset="utf-8"><body>
  <p style="font: 15px system-ui">Hamburgefonstiv 0123 مرحبا 😀</p>
  <p style="font: 600 15px sans-serif">Hamburgefonstiv 0123 مرحبا 😀</p>
  <p style="font: 13px monospace">Hamburgefonstiv 0123</p>`;

/** What decides how anything is drawn here: pictures of different ones cannot be compared. */
export async function drawnBy(browser) {
  const page = await browser.newPage({ viewport: { width: 400, height: 200 } });
  await page.setContent(SAMPLE);
  const { pixels } = decoded(await page.screenshot());
  await page.close();
  return { browser: browser.version(), fonts: createHash('sha256').update(pixels).digest('hex').slice(0, 16) };
}

/** Builds the gallery in a folder of the page, and gives `{ look, name, png }` of each specimen. */
export async function take(web, browser, only) {
  const folder = mkdtempSync(join(tmpdir(), 'session-gallery-'));
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://gallery').pathname;
    try {
      const body = readFileSync(join(folder, normalize(path === '/' ? '/index.html' : path)));
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  try {
    build(web, folder);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const pictures = [];
    for (const look of LOOKS) pictures.push(...(await walk(browser, server.address().port, look, only)));
    return pictures;
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(web, folder) {
  const run = (...args) => execFileSync(process.execPath, args, { cwd: web, stdio: ['ignore', 'ignore', 'inherit'] });
  run('scripts/api.mjs');
  run('node_modules/vite/bin/vite.js', 'build', '--config', 'gallery/vite.config.ts', '--outDir', folder, '--emptyOutDir', '--logLevel', 'error');
}

async function walk(browser, port, { theme, language }, only) {
  const context = await browser.newContext({ viewport: VIEW, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams({ theme, language })}`);
  await page.waitForFunction(
    (wanted) => document.documentElement.lang === wanted && document.querySelector('[data-specimen]'),
    language,
  );
  await page.addStyleTag({ content: ALONE });
  const names = await page.locator('[data-specimen]').evaluateAll((all) => all.map((one) => one.dataset.specimen));
  const pictures = [];
  for (const name of names.filter((name) => !only || name.includes(only))) {
    const clip = await page.evaluate(isolate, { name, narrow: NARROW, broad: BROAD });
    if (clip.height > VIEW.height) await page.setViewportSize({ ...VIEW, height: clip.height });
    const png = await page.screenshot({ clip, animations: 'disabled', caret: 'hide' });
    if (clip.height > VIEW.height) await page.setViewportSize(VIEW);
    pictures.push({ look: `${theme}-${language}`, name, png });
  }
  await context.close();
  return pictures;
}

/** Runs in the page: shows one specimen alone, and gives where it is once it was drawn so. */
async function isolate({ name, narrow, broad }) {
  const frames = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  for (const one of document.querySelectorAll('[data-specimen]')) {
    delete one.dataset.alone;
    if (one.dataset.specimen !== name) continue;
    one.dataset.alone = '';
    one.style.inlineSize = `${one.classList.contains('wide') ? broad : narrow}px`;
  }
  await frames();
  await document.fonts.ready;
  await frames();
  const { x, y, width, height } = document.querySelector('[data-alone]').getBoundingClientRect();
  return { x, y, width: Math.ceil(width), height: Math.ceil(height) };
}
