// How the window looks and is used with what is hard to show.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { article, findings, overflow, row, visit } from './pages.mjs';
import { twoPrograms } from './pair.mjs';
import { painted } from './png.mjs';
import { Rpc } from './rpc.mjs';
import { steps } from './steps.mjs';

const NAMES = { boris: 'Boris', twin: 'B\u043Eris', note: 'Note to Self', turned: 'Anton\u202Egnp.exe', unseen: '\u3164\u200B' };

let anna;
let ids;
let opened = 0;

/** Everybody but Anna is in one program. */
const two = twoPrograms(fill);

const visitAnna = async (options) => {
  const { url } = opened++ === 0 ? two.annaApp.link : await two.annaApp.again();
  const visited = await visit(two.browser, url, options);
  await row(visited.page, 'Hello from boris').or(row(visited.page, 'The last')).first().waitFor();
  return visited;
};

/** Waits until what is read is what is wanted. */
async function settles(read, wanted) {
  const end = Date.now() + 20_000;
  for (;;) {
    const now = await read();
    if (now === wanted) return;
    assert.ok(Date.now() < end, `${now} and not ${wanted}`);
    await anna.page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

async function fill({ net, annaApp, borisApp }) {
  const own = new Rpc(annaApp.folder, net);
  const all = new Rpc(borisApp.folder, net);
  await Promise.all([own.call('hello', { version: 1 }), all.call('hello', { version: 1 })]);
  const annaId = await own.account('Anna');
  ids = {};
  for (const [who, name] of Object.entries(NAMES)) ids[who] = await all.account(name);
  const came = (text) => own.until((frame) => frame.method === 'message.received' && frame.params.message.text === text);
  const say = (who, text) => all.call('messages.send', { account: ids[who], to: annaId, text });
  for (const who of Object.keys(NAMES)) await say(who, `Hello from ${who}`);
  for (const who of Object.keys(NAMES)) await came(`Hello from ${who}`);
  for (const person of Object.values(ids)) await own.call('requests.accept', { account: annaId, person });
  const file = (name, mime, content) => ({ name, mime, content: content.toString('base64') });
  const wide = painted(1600, 160, (x, y) => [x % 256, y, 120]);
  await all.call('messages.send_files', { account: ids.boris, to: annaId, text: 'A panorama', files: [file('p.png', 'image/png', wide)] });
  await say('boris', Array.from({ length: 40 }, (_, index) => `https://example.org/${index}`).join('\n'));
  await say('boris', 'Donaudampfschiff'.repeat(100));
  await came('Donaudampfschiff'.repeat(100));
  await own.call('messages.send', { account: annaId, to: ids.boris, text: 'Enough' });
  await say('boris', 'The last');
  await came('The last');
  await Promise.all([own.end(), all.end()]);
  await annaApp.start();
}

describe('The window', () => {
  const step = steps(() => ({ anna }));

  step('opens where the new messages are, however high those before are', async () => {
    anna = await visitAnna();
    await row(anna.page, 'The last').click();
    const last = article(anna.page, 'The last');
    await anna.page.waitForFunction(() => {
      const all = [...document.querySelectorAll('[role=article]')];
      const found = all.find((item) => item.textContent.includes('The last'));
      return found && found.getBoundingClientRect().bottom <= document.querySelector('[role=log]').getBoundingClientRect().bottom;
    });
    assert.ok(await last.isVisible());
  });

  step('has one stop of the Tab key for all messages', async () => {
    const { page } = anna;
    const at = () => page.evaluate(() => document.activeElement.closest('[data-region]')?.dataset.region ?? '');
    const tabs = async (key, wanted) => {
      for (let count = 0; count < 4 && (await at()) !== wanted; count += 1) await page.keyboard.press(key);
      await settles(at, wanted);
    };
    const isMessage = () => page.evaluate(() => document.activeElement.getAttribute('role') === 'article');
    // Between these there may be a banner, and the button that leads down.
    await page.getByRole('button', { name: 'Details', exact: true }).focus();
    await tabs('Tab', 'messages');
    assert.ok(await isMessage());
    await tabs('Tab', 'composer');
    await tabs('Shift+Tab', 'messages');
    while ((await at()) === 'messages' && !(await isMessage())) await page.keyboard.press('Shift+Tab');
    assert.ok(await isMessage());
    await page.keyboard.press('Shift+Tab');
    assert.notEqual(await at(), 'messages');
  });

  step('goes with Enter into a message, with Tab through it, and with Escape out of it', async () => {
    const { page } = anna;
    const links = article(page, 'https://example.org/0');
    await links.evaluate((element) => element.focus());
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await settles(() => page.evaluate(() => document.activeElement.textContent.trim()), 'https://example.org/1');
    await page.keyboard.press('Escape');
    await settles(() => links.evaluate((element) => element === document.activeElement), true);
  });

  step('closes one layer with Escape, and the focus goes back', async () => {
    const { page } = anna;
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('role') || document.activeElement.tagName);
    await page.locator('#composer').focus();
    await page.keyboard.press('Control+e');
    await page.getByRole('dialog', { name: 'Emoji' }).waitFor();
    await page.keyboard.press('Escape');
    await settles(focused, 'composer');
    await page.keyboard.press('ArrowUp');
    await settles(focused, 'article');
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await settles(focused, 'article');
    await page.keyboard.press('Control+,');
    await page.getByRole('navigation', { name: 'Settings' }).waitFor();
    await settles(focused, 'BUTTON');
    await page.keyboard.press('Escape');
    await page.locator('[role=log]').waitFor();
    await settles(async () => (await focused()) !== 'BODY', true);
  });

  step('keeps bubbles as wide as their pictures', async () => {
    const panorama = article(anna.page, 'A panorama');
    await anna.page.locator('[role=log]').evaluate((box) => box.scrollTo(0, 0));
    await panorama.waitFor();
    const [bubble, picture] = await panorama.evaluate((item) =>
      ['[data-bubble]', '[data-open]'].map((what) => item.querySelector(what).getBoundingClientRect().width),
    );
    assert.ok(bubble - picture <= 26, `${bubble} around ${picture}`);
  });

  step('has targets that can be hit, with a mouse and with a finger', async () => {
    const small = (page, least) =>
      page.evaluate(
        (size) =>
          [...document.querySelectorAll('button:not(.link), a[href], textarea, select')]
            .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
            .map((element) => ({ box: element.getBoundingClientRect(), name: element.getAttribute('aria-label') ?? element.textContent }))
            .filter(({ box }) => box.width > 1 && (box.width < size || box.height < size))
            .map(({ name }) => name),
        least,
      );
    assert.deepEqual(await small(anna.page, 24), []);
    const phone = await visitAnna({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    assert.deepEqual(await small(phone.page, 44), []);
    await row(phone.page, 'The last').click();
    await article(phone.page, 'The last').waitFor();
    assert.deepEqual(await small(phone.page, 44).then((names) => names.filter((name) => !/example|Read more/.test(name))), []);
    await phone.context.close();
  });

  step('fits into 320 pixels', async () => {
    const { page, context } = await visitAnna({ viewport: { width: 320, height: 640 } });
    assert.ok((await overflow(page)) <= 0);
    await row(page, 'The last').click();
    await article(page, 'The last').waitFor();
    assert.ok((await overflow(page)) <= 0);
    const sideways = await page.locator('[role=log]').evaluate((box) => box.scrollWidth - box.clientWidth);
    assert.equal(sideways, 0);
    await context.close();
  });

  step('can be used with forced colours', async () => {
    const { page, context } = await visitAnna({ forcedColors: 'active' });
    await row(page, 'The last').click();
    await article(page, 'The last').waitFor();
    assert.deepEqual(await findings(page), []);
    const chosen = row(page, 'The last');
    await settles(() => chosen.evaluate((link) => Number.parseFloat(getComputedStyle(link).borderTopWidth) >= 2), true);
    await context.close();
  });

  step('tells apart names that look alike, and lets none turn what is around it', async () => {
    const { page } = anna;
    const shown = async (text) => (await row(page, text).innerText()).split('\n')[0];
    for (const [who, text] of [['boris', 'The last'], ['twin', 'Hello from twin'], ['note', 'Hello from note'], ['unseen', 'Hello from unseen']]) {
      assert.ok((await row(page, text).innerText()).includes(`·${ids[who].slice(-4)}`), who);
    }
    assert.ok((await shown('Hello from turned')).startsWith('Antongnp.exe'));
  });

  step('did nothing it should not do', () => assert.deepEqual(anna.faults, []));
});
