// Comparing pictures of the gallery: what counts as a change, and that one is found.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { compared, MOST_AT_EDGES, NOTHING } from '../gallery/compare.mjs';
import { decoded } from '../gallery/picture.mjs';
import { launch } from './pages.mjs';
import { painted } from './png.mjs';

const web = fileURLToPath(new URL('../..', import.meta.url));
const SIDE = 40;
const ACCENT = [6, 114, 114];

/** A disc with a soft edge on white, as a button is drawn; `change` may alter any pixel. */
function disc({ shift = 0, color = ACCENT, side = SIDE, change = (x, y, pixel) => pixel } = {}) {
  const at = (x, y) => {
    const inside = Math.min(1, Math.max(0, 12.5 - Math.hypot(x - 20 - shift, y - 20)));
    return change(x, y, color.map((value) => Math.round(255 + (value - 255) * inside)));
  };
  return decoded(painted(side, SIDE, at));
}

let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-compare-'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

describe('pictures of the gallery', () => {
  it('are read as the browser reads them', async () => {
    const browser = await launch();
    try {
      const page = await browser.newPage({ viewport: { width: 257, height: 131 } });
      await page.setContent('<body style="background: linear-gradient(75deg, teal, white 60%, #fa0)"><h1>Pictures</h1><button>of letters</button>');
      const png = await page.screenshot();
      const data = await page.evaluate(async (base64) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        return [...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
      }, png.toString('base64'));
      const { width, height, pixels } = decoded(png);
      assert.deepEqual([width, height], [257, 131]);
      assert.ok(Buffer.from(data.filter((_, at) => at % 4 < 3)).equals(Buffer.from(pixels)));
    } finally {
      await browser.close();
    }
    assert.throws(() => decoded(Buffer.from('no picture, though long enough')), /no PNG/);
  });

  it('do not differ by what nobody sees', () => {
    const same = compared(disc(), disc());
    assert.deepEqual([same.differs, same.changed, same.atEdges], [false, 0, 0]);
    const slight = disc({ color: ACCENT.map((value) => value + NOTHING) });
    assert.equal(compared(disc(), slight).differs, false);
    // One pixel at the edge, drawn a little more or less.
    const edge = disc().pixels[(20 * SIDE + 32) * 3];
    assert.ok(edge > ACCENT[0] && edge < 255, `${edge}`);
    for (const more of [-60, 60]) {
      const change = (x, y, pixel) => (x === 32 && y === 20 ? pixel.map((value) => Math.min(255, value + more)) : pixel);
      const { differs, changed, atEdges } = compared(disc(), disc({ change }));
      assert.deepEqual([differs, changed, atEdges], [false, 0, 1], `${more}`);
    }
  });

  it('differ by a colour, by a place, by a size, by one pixel where there is no edge', () => {
    const differs = (other) => compared(disc(), disc(other));
    const colour = differs({ color: ACCENT.map((value) => value + NOTHING + 1) });
    assert.ok(colour.differs && colour.changed > 400, `${colour.changed}`);
    const moved = differs({ shift: 1 });
    assert.ok(moved.differs && moved.changed + moved.atEdges > MOST_AT_EDGES);
    assert.ok(differs({ shift: 0.5 }).differs);
    const larger = differs({ side: SIDE + 1 });
    assert.deepEqual([larger.differs, larger.changed], [true, SIDE]);
    for (const [left, top] of [[20, 20], [2, 2]]) {
      const dot = differs({ change: (x, y, pixel) => (x === left && y === top ? [128, 128, 128] : pixel) });
      assert.deepEqual([dot.differs, dot.changed], [true, 1]);
    }
  });

  it('tell that nothing changed, what changed, and what cannot be compared', () => {
    const copy = join(folder, 'copy', 'web');
    for (const part of ['gallery', 'scripts', 'src', 'tests', 'svelte.config.js', 'package.json', 'tsconfig.json']) {
      cpSync(join(web, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(web, 'node_modules'), join(copy, 'node_modules'));
    const types = 'client/api/typescript/session-api.ts';
    cpSync(join(web, '..', types), join(folder, 'copy', types));
    const pictures = join(folder, 'pictures');
    const report = join(folder, 'report');
    const run = (...args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(copy, 'tests/gallery/run.mjs'), '--only', 'buttons', ...args], { encoding: 'utf8' });
      return { status, said: `${stdout}${stderr}` };
    };

    const inside = run('--keep', join(copy, 'pictures'));
    assert.deepEqual([inside.status, /is in the repository/.test(inside.said)], [2, true], inside.said);
    const keeping = run('--keep', pictures);
    assert.equal(keeping.status, 0, keeping.said);
    const again = run('--with', pictures);
    assert.deepEqual([again.status, /8 pictures compared, 0 differ, 0 gone, 0 new/.test(again.said)], [0, true], again.said);

    // A measure that buttons have, then one of their colours.
    const tokens = join(copy, 'src/styles/tokens.css');
    const css = readFileSync(tokens, 'utf8');
    const rounder = css.replace(/--s-4: \d+px/, '--s-4: 17px');
    assert.notEqual(rounder, css);
    writeFileSync(tokens, rounder);
    const changed = run('--with', pictures, '--report', report);
    assert.equal(changed.status, 1, changed.said);
    assert.match(changed.said, /paper-en, buttons: \d+ pixels changed/);
    const page = readFileSync(join(report, 'index.html'), 'utf8');
    assert.match(page, /<img src="0-difference-[a-z-]+\.png" alt="[^"]+"/);
    for (const [, file] of page.matchAll(/src="([^"]+)"/g)) assert.ok(decoded(readFileSync(join(report, file))).width >= 300, file);
    writeFileSync(tokens, css);
    assert.equal(run('--with', pictures).status, 0);

    // Pictures of another computer.
    const about = join(pictures, 'gallery.json');
    writeFileSync(about, readFileSync(about, 'utf8').replace(/"fonts": "\w+"/, '"fonts": "other"'));
    const other = run('--with', pictures);
    assert.deepEqual([other.status, /other fonts/.test(other.said)], [2, true], other.said);
    mkdirSync(join(folder, 'empty'));
    assert.equal(run('--with', join(folder, 'empty')).status, 2);
  });
});
