// Every component in its states: all there, nothing that sticks out, nothing axe finds, a ring
// around whatever has the focus. In both themes, both directions and a larger text. Pictures are
// not compared: each computer has fonts of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { findings, launch, overflow } from './pages.mjs';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const web = fileURLToPath(new URL('../..', import.meta.url));

let folder;
let server;
let browser;
let page;
const faults = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'session-gallery-'));
  const args = ['node_modules/vite/bin/vite.js', 'build', '--config', 'gallery/vite.config.ts', '--outDir', folder];
  execFileSync(process.execPath, [...args, '--emptyOutDir'], { cwd: web, stdio: 'ignore' });
  server = createServer((request, response) => {
    const path = new URL(request.url, 'http://gallery').pathname;
    try {
      const body = readFileSync(join(folder, normalize(path === '/' ? '/index.html' : path)));
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce' });
  page.on('pageerror', (error) => faults.push(error.message));
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function show(look) {
  await page.goto(`http://127.0.0.1:${server.address().port}/?${new URLSearchParams(look)}`);
  await page.getByRole('heading', { name: 'Gallery' }).waitFor();
}

describe('the gallery', () => {
  it('shows every component in its states', async () => {
    await show({});
    const shown = await page.locator('[data-specimen]').evaluateAll((all) =>
      all.map((one) => {
        const words = [...one.children].slice(1).map((part) => part.textContent.trim());
        const filled = words.join('') !== '' || one.querySelector('svg, input') !== null;
        const { width, height } = one.getBoundingClientRect();
        return { name: one.dataset.specimen, filled, width, height };
      }),
    );
    assert.ok(shown.length >= 55, `${shown.length} specimens`);
    assert.deepEqual(shown.filter(({ filled, width, height }) => !filled || width < 40 || height < 40), []);
    const states = (part) => page.locator(`[data-specimen="${part}"]`);
    await states('row: failed').getByText('Not sent').first().waitFor({ state: 'attached' });
    await states('message: failed').getByRole('button', { name: 'Try again' }).waitFor();
    await states('message: voice not played').getByRole('slider', { name: 'Voice message, not played yet' }).waitFor();
    await states('message: voice not here').getByRole('button', { name: 'Download' }).waitFor();
    await states('message: program').getByText('exe').first().waitFor();
    await states('message: timer').getByRole('button', { name: 'Use the same' }).waitFor();
    assert.ok(await states('buttons').getByRole('button', { name: 'Not now' }).first().isDisabled());
  });

  for (const theme of ['paper', 'ink']) {
    for (const language of ['en', 'ar']) {
      for (const scale of ['1', '1.5']) {
        it(`is whole and can be used by everybody: ${theme}, ${language}, ${scale}`, async () => {
          await show({ theme, language, scale });
          await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
          assert.deepEqual(await findings(page), []);
          for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 800 });
            assert.ok((await overflow(page)) <= 0, `${width} px`);
            assert.deepEqual(await outside(), [], `${width} px`);
          }
          await page.setViewportSize({ width: 1280, height: 800 });
        });
      }
    }
  }

  it('has layers that close and give the focus back', async () => {
    await show({ theme: 'ink' });
    for (const [name, layer] of [['Dialog', 'dialog'], ['Menu', 'menu']]) {
      const opener = page.getByRole('button', { name, exact: true });
      await opener.focus();
      await page.keyboard.press('Enter');
      await page.getByRole(layer).waitFor();
      assert.deepEqual(await findings(page), [], name);
      await page.keyboard.press('Escape');
      await page.getByRole(layer).waitFor({ state: 'detached' });
      assert.ok(await opener.evaluate((button) => button === document.activeElement), name);
    }
    await page.getByRole('button', { name: 'Toast', exact: true }).click();
    await page.getByRole('status').getByText('Account ID copied').waitFor();
    assert.deepEqual(await findings(page), []);
  });

  it('shows where the focus is, wherever it is', async () => {
    await show({});
    const without = [];
    const seen = new Set();
    for (;;) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const here = document.activeElement;
        if (!here || here === document.body) return null;
        // Radios and switches show it at what is drawn for them.
        const drawn = [here, here.parentElement, ...here.parentElement.children];
        const ringed = drawn.some((one) => {
          const style = getComputedStyle(one);
          return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
        });
        here.dataset.stop ??= String(document.querySelectorAll('[data-stop]').length);
        return { stop: here.dataset.stop, ringed, what: here.outerHTML.slice(0, 120) };
      });
      if (!at || seen.has(at.stop)) break;
      seen.add(at.stop);
      if (!at.ringed) without.push(at.what);
    }
    assert.ok(seen.size >= 60, `${seen.size} stops`);
    assert.deepEqual(without, []);
  });

  it('says nothing of faults', () => {
    assert.deepEqual(faults, []);
  });
});

/** What is drawn outside of the specimen it belongs to, at its sides. */
function outside() {
  return page.locator('[data-specimen]').evaluateAll((all) =>
    all.flatMap((one) => {
      const edge = one.getBoundingClientRect();
      return [...one.querySelectorAll('*')]
        .filter((part) => !part.closest('.sr, svg') && getComputedStyle(part).position !== 'fixed')
        .filter((part) => {
          const { left, right, width } = part.getBoundingClientRect();
          return width > 0 && (left < edge.left - 1 || right > edge.right + 1);
        })
        .map((part) => `${one.dataset.specimen}: ${part.outerHTML.slice(0, 80)}`);
    }),
  );
}
