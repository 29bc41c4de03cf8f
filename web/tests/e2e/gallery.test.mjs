// Every component in its states: all there, nothing that sticks out, nothing axe finds, a ring
// around whatever has the focus. In both themes, both directions and a larger text. Pictures are
// not compared: each computer has fonts of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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
    assert.ok(shown.length >= 125, `${shown.length} specimens`);
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
    assert.ok(seen.size >= 200, `${seen.size} stops`);
    assert.deepEqual(without, []);
  });

  it('shows where the user stands with a group', async () => {
    await show({});
    const group = (part) => page.locator(`[data-specimen="group ${part}"]`);
    const ended = { left: 'You left', removed: 'You were removed', destroyed: 'An admin ended this group' };
    for (const [state, words] of Object.entries(ended)) {
      assert.match(await label(group(`row: ${state}`)), /^Choir rehearsal, Ended,/);
      await group(`bar: ${state}`).getByText(words).waitFor();
      await group(`bar: ${state}`).getByRole('button', { name: 'Delete…' }).waitFor();
    }
    assert.match(await label(group('row: unread, named')), /^Choir rehearsal, 14 unread, .Anna Petrova.: the score is in the files, .*names you in 1 message$/);
    assert.match(await label(group('row: own, failed')), /^Choir rehearsal, Not sent, I bring it,/);
    assert.match(await label(group('row: draft')), /^Choir rehearsal, Draft: I will be there when,/);
    assert.match(await label(group('row: waiting for keys')), /Waiting for group keys/);
    assert.match(await label(group('row: invited')), /.Anna Petrova ·bbbb. invited you/);
    assert.match(await headText(group('head: 43 members')), /43 members\s+disappears 1 day after sending/);
    await group('head: 1 member').getByText('1 member', { exact: true }).waitFor();
    await group('head: nobody known').getByText('Members not known yet').waitFor();
    await group('head: updating keys').locator('header').getByText('Updating keys').waitFor();
    await group('bar: keys missing').getByText('Waiting for the keys of this group').waitFor();
    await group('bar: keys long missing').getByText('An admin must be online once').waitFor();
    await group('bar: no admin').getByText('No admin was here for 30 days').waitFor();
    await group('bar: can write').getByText('The composer stands here.').waitFor();
    assert.equal(await group('bar: left').getByText('The composer stands here.').count(), 0);
  });

  it('gives admins of a group what others have not', async () => {
    await show({});
    const panel = (name) => page.locator(`[data-specimen="group panel: ${name}"]`);
    const states = ['Invited', 'Sending the invitation', 'Invite failed', 'Joining', 'Sending the promotion', 'Promoted', 'Promotion failed', 'Removing'];
    for (const name of ['admin', 'member']) {
      for (const state of states) await panel(name).getByRole('button', { name: new RegExp(`, ${state}$`) }).waitFor();
      await panel(name).getByRole('button', { name: 'Leave group' }).waitFor();
    }
    await panel('admin').getByRole('button', { name: /^Maria ?, You ?, Admin$/ }).waitFor();
    assert.equal(await panel('admin').getByRole('listitem').count(), 12);
    assert.equal(await page.locator('[data-specimen="group members"]').getByRole('listitem').count(), 43);
    for (const only of ['Add members', 'Manage members', 'Change', 'Try again: .Carol.']) {
      const button = { name: new RegExp(`^${only}$`) };
      await panel('admin').getByRole('button', button).waitFor();
      assert.equal(await panel('member').getByRole('button', button).count(), 0, only);
    }
    assert.equal(await panel('member').getByRole('button', { name: /^All/ }).count(), 0);
    assert.equal(await panel('removed, long name').getByRole('button', { name: 'Leave group' }).count(), 0);
    const said = (words) => page.getByRole('status').getByText(words, { exact: true }).waitFor();
    for (const [name, words] of [['Try again: \u2068Carol\u2069', 'again: Carol'], ['All 43', 'all members'], [/^Bob ?, Promoted$/, 'opened: Bob']]) {
      await panel('admin').getByRole('button', { name, exact: true }).focus();
      await page.keyboard.press('Enter');
      await said(words);
    }
    // The row of whoever has to be asked again is as high as the others.
    const heights = await panel('admin').getByRole('listitem').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
    assert.deepEqual([...new Set(heights)], [52]);
  });

  it('shows a room, and why nothing can be written there', async () => {
    await show({});
    const room = (part) => page.locator(`[data-specimen="room ${part}"]`);
    assert.match(await label(room('row: offline')), /^Steam engines, Offline · .Anna Petrova.: the score/);
    assert.match(await label(room('row: gone')), /^Steam engines, No longer exists/);
    assert.match(await headText(room('head: plain')), /open\.example\.org\s+132 active/);
    assert.doesNotMatch(await headText(room('head: not known who is active')), /active/);
    for (const [state, words] of [['read-only', 'Read-only'], ['muted until', 'No writing until'], ['muted', 'No writing for now'], ['banned', 'Banned']]) {
      await room(`head: ${state}`).locator('header').getByText(words).waitFor();
    }
    const bars = {
      'read-only': 'Only moderators write here',
      'banned from the room': 'You are banned from this room',
      'banned from the server': 'You are banned from all rooms of',
      'muted until': 'You cannot write here until',
      muted: 'You cannot write here for now',
      gone: 'This room no longer exists on',
      'moderator can write': 'The composer stands here.',
    };
    for (const [state, words] of Object.entries(bars)) await room(`bar: ${state}`).getByText(words).waitFor();
    assert.equal(await room('panel: reader').getByRole('listitem').count(), 3);
    assert.equal(await room('panel: reader').getByText('Hidden').count(), 0);
    assert.equal(await room('panel: moderator').getByRole('listitem').count(), 5);
    await room('panel: moderator').getByRole('button', { name: /^Bob ?·eeee ?, Moderator ?, Hidden$/ }).waitFor();
    await room('panel: reader').getByText('Only the server knows who reads here.').waitFor();
    await room('panel: offline').getByText('It has not answered since').waitFor();
    // Rooms are squares with round corners, people are discs.
    const corner = (part) => page.locator(`[data-specimen="${part}"] .disc`).first().evaluate((disc) => getComputedStyle(disc).borderTopLeftRadius);
    assert.deepEqual([await corner('room row: plain'), await corner('row: plain')], ['28%', '50%']);
  });

  it('turns the two discs of a group round with the direction', async () => {
    for (const [language, before, behind] of [['en', 0, 1], ['ar', 1, 0]]) {
      await show({ language });
      await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
      const discs = page.locator('[data-specimen="group row: plain"] .pair > span');
      const [second, first] = await discs.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left));
      assert.deepEqual([first < second ? 0 : 1, first < second ? 1 : 0], [before, behind]);
      // The rim is cut out of the one behind, where the other is.
      const mask = await discs.first().evaluate((one) => getComputedStyle(one).maskImage);
      const middle = Number(/at ([\d.]+)px/.exec(mask)?.[1]);
      assert.ok(language === 'en' ? middle < 16 : middle > 16, mask);
    }
  });

  it('says nothing of faults', () => {
    assert.deepEqual(faults, []);
  });
});

describe('the texts about groups and communities', () => {
  const folder = join(web, 'src/features/groups/texts');
  const [en, ar] = ['en', 'ar'].map((language) => JSON.parse(readFileSync(join(folder, `${language}.json`), 'utf8')));
  const files = readdirSync(join(web, 'src'), { recursive: true }).filter((name) => /\.(ts|svelte)$/.test(name));
  const read = (name) => readFileSync(join(web, 'src', name), 'utf8');
  const several = (name) => /^features.(groups|communities)./.test(name);

  it('have a use, and a form for every number in both languages', () => {
    const source = files.filter(several).map(read).join('\n');
    const prefixes = [...source.matchAll(/\bt\(\s*`([a-z_.]+)\$\{/g)].map((match) => match[1]);
    const unused = Object.keys(en).filter((key) => !source.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
    assert.deepEqual(unused, []);
    assert.deepEqual(Object.keys(ar), Object.keys(en));
    const page = JSON.parse(readFileSync(join(web, 'src/i18n/en.json'), 'utf8'));
    assert.deepEqual(Object.keys(en).filter((key) => key in page), []);
    const params = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join(' ');
    for (const [key, entry] of Object.entries(en)) {
      if (typeof entry === 'object') {
        assert.deepEqual(Object.keys(entry), ['one', 'other'], key);
        assert.deepEqual(Object.keys(ar[key]), ['zero', 'one', 'two', 'few', 'many', 'other'], key);
        assert.equal(params(ar[key].other), params(entry.other), key);
      } else {
        assert.equal(params(ar[key]), params(entry), key);
        if (key !== 'several.said') assert.notEqual(ar[key], entry, key);
      }
    }
  });

  it('are not loaded: nothing of the page uses what shows them', () => {
    const users = files.filter((name) => !several(name) && /features\/(groups|communities)\/|\.\.\/(groups|communities)\//.test(read(name)));
    assert.deepEqual(users, []);
  });
});

/** What a row of the list is for those who hear it. */
const label = (specimen) => specimen.locator('a .sr').innerText();

/** What is in a header, without the signs around values. */
const headText = async (specimen) => (await specimen.locator('header').innerText()).replace(/[\u2068\u2069]/g, '');

/** What is drawn outside of the specimen it belongs to, at its sides. */
function outside() {
  return page.locator('[data-specimen]').evaluateAll((all) => {
    // What something around it cuts off is not drawn; that itself has to be inside.
    const cut = (part, one) => {
      for (let around = part.parentElement; around !== one; around = around.parentElement) {
        if (getComputedStyle(around).overflowX !== 'visible') return true;
      }
      return false;
    };
    return all.flatMap((one) => {
      const edge = one.getBoundingClientRect();
      return [...one.querySelectorAll('*')]
        .filter((part) => !part.closest('.sr, svg') && getComputedStyle(part).position !== 'fixed')
        .filter((part) => {
          const { left, right, width } = part.getBoundingClientRect();
          return width > 0 && (left < edge.left - 1 || right > edge.right + 1) && !cut(part, one);
        })
        .map((part) => `${one.dataset.specimen}: ${part.outerHTML.slice(0, 80)}`);
    });
  });
}
