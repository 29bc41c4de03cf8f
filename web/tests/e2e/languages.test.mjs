// Every part of the window in a language twice as long, and in one that is written from right to
// left: nothing is cut that does not say all of it when pointed at, nothing sticks out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';

import { article, bubble, create, findings, launch, openNew, overflow, ownId, row, send, visit } from './pages.mjs';
import { App, endAll, network } from './programs.mjs';
import { steps } from './steps.mjs';

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** All that is cut anywhere, to be seen at once. */
const problems = [];

let browser;
let folder;
let annaApp;
let borisApp;
let emptyApp;
let anna;
let boris;
let empty;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'session-page-'));
  // A build with the language for tests in it.
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--outDir', folder, '--emptyOutDir'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, VITE_PSEUDO: '1' },
    stdio: 'ignore',
  });
  process.env.PAGE = folder;
  const net = await network();
  annaApp = new App(net);
  borisApp = new App(net);
  emptyApp = new App(net);
  await Promise.all([annaApp.start(), borisApp.start(), emptyApp.start()]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await endAll();
  for (const app of [annaApp, borisApp, emptyApp]) app?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const step = steps(() => ({ anna, boris, empty }));

describe('languages', () => {
  step('begin with something to read', async () => {
    anna = await visit(browser, annaApp.link.url);
    boris = await visit(browser, borisApp.link.url);
    empty = await visit(browser, emptyApp.link.url);
    await create(anna.page, 'Anna', 'correct horse battery staple');
    await create(boris.page, 'Boris');
    const borisId = await ownId(boris.page);
    await openNew(anna.page, await ownId(anna.page));
    await send(anna.page, 'A note');
    await openNew(anna.page, borisId);
    await send(anna.page, 'Good morning');
    await boris.page.getByRole('button', { name: '1 message request' }).click();
    await boris.page.getByRole('button', { name: /Anna/ }).click();
    await bubble(boris.page, 'Good morning').waitFor();
  });

  for (const [language, label] of [['en-XA', 'Doubled'], ['ar', 'العربية']]) {
    step(`${label}: the welcome, a new account, an old one`, async () => {
      const { page } = empty;
      await page.locator('select').selectOption(language);
      await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
      for (const size of [WIDE, PHONE]) {
        await page.setViewportSize(size);
        await whole(page, 'welcome');
        for (const [at, name] of [[0, 'create'], [1, 'restore']]) {
          await page.locator('.actions button').nth(at).click();
          await page.locator('form').waitFor();
          await whole(page, name);
          await page.locator('form .head button').click();
          await page.locator('select').waitFor();
        }
      }
    });

    step(`${label}: a request and what is under it`, async () => {
      const { page } = boris;
      await speak(page, language);
      for (const size of [WIDE, PHONE]) {
        await page.setViewportSize(size);
        await whole(page, 'request');
      }
      await page.setViewportSize(WIDE);
    });

    step(`${label}: conversations`, async () => {
      const { page } = anna;
      await speak(page, language);
      for (const size of [WIDE, PHONE]) {
        await page.setViewportSize(WIDE);
        await row(page, 'Good morning').click();
        await page.locator('#composer').waitFor();
        await page.setViewportSize(size);
        await bubble(page, 'Good morning').waitFor();
        await whole(page, 'conversation');
        await page.locator('#composer').fill('x'.repeat(1990));
        await whole(page, 'composer');
        await page.locator('#composer').fill('');
        await article(page, 'Good morning').focus();
        await page.keyboard.press('Shift+F10');
        await page.getByRole('menu').waitFor();
        await whole(page, 'menu of a message');
        await page.keyboard.press('Escape');
        await page.getByRole('menu').waitFor({ state: 'detached' });
        await article(page, 'Good morning').focus();
        await page.keyboard.press('Delete');
        await page.getByRole('dialog').waitFor();
        await whole(page, 'deleting');
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await article(page, 'Good morning').focus();
        await page.keyboard.press('i');
        await page.getByRole('complementary').locator('dl').waitFor();
        await whole(page, 'info of a message');
        await page.keyboard.press('Escape');
        await page.getByRole('complementary').waitFor({ state: 'detached' });
        await page.keyboard.press('Control+i');
        await page.getByRole('complementary').locator('fieldset').first().waitFor();
        await whole(page, 'details');
        await page.keyboard.press('Escape');
        await page.getByRole('complementary').waitFor({ state: 'detached' });
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox').waitFor();
        await whole(page, 'go to');
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
      await page.setViewportSize(WIDE);
      await row(page, 'Good morning').click({ button: 'right' });
      await page.getByRole('menu').waitFor();
      await whole(page, 'menu of a row');
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
    });

    step(`${label}: lists and settings`, async () => {
      const { page } = anna;
      for (const [keys, name] of [['Alt+Shift+N', 'new'], ['Alt+Shift+F', 'search']]) {
        await page.keyboard.press(keys);
        await page.locator('section[data-region=list]').waitFor();
        await whole(page, name);
        await page.keyboard.press('Escape');
        await page.locator('section[data-region=list]').waitFor({ state: 'detached' });
      }
      await page.keyboard.press('Control+,');
      const pages = page.locator('nav[data-region=list] ul button');
      await pages.first().waitFor();
      for (let at = 0; at < (await pages.count()); at += 1) {
        await pages.nth(at).click();
        await page.locator('nav [aria-current=page]').waitFor();
        const title = await pages.nth(at).innerText();
        await page.locator('main h1').getByText(title, { exact: true }).waitFor();
        for (const size of [WIDE, PHONE]) {
          await page.setViewportSize(size);
          await page.locator('main h1').waitFor();
          await whole(page, `settings ${at}`);
        }
        await page.setViewportSize(WIDE);
        await pages.first().waitFor();
      }
      await page.keyboard.press('Escape');
    });
  }

  step('lie the other way round from right to left, but ids do not', async () => {
    const { page } = anna;
    await row(page, 'Good morning').click();
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).direction), 'rtl');
    const sides = await page.evaluate(() => {
      const left = (selector) => document.querySelector(selector).getBoundingClientRect().left;
      const own = document.querySelector('[data-bubble]').getBoundingClientRect();
      const log = document.querySelector('[role=log]').getBoundingClientRect();
      return { list: left('[data-region=list]'), chat: left('main'), own: own.left - log.left, rest: log.right - own.right };
    });
    assert.ok(sides.list > sides.chat, 'the list is on the right');
    assert.ok(sides.own < sides.rest, 'own messages are on the left');
    await page.keyboard.press('Control+i');
    await page.getByRole('complementary').locator('button[dir=ltr], [dir=ltr] button, button:has([dir=ltr])').first().waitFor();
    assert.deepEqual(await findings(page), []);
  });

  step('cut nothing', () => assert.deepEqual(problems, []));

  step('do nothing they should not', () => {
    for (const { faults } of [anna, boris, empty]) assert.deepEqual(faults, []);
  });
});

/** Another language, as the settings choose it. */
async function speak(page, language) {
  await page.keyboard.press('Control+,');
  await page.locator('nav[data-region=list] ul button').nth(6).click();
  await page.locator(`main input[value="${language}"]`).check();
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
  await page.keyboard.press('Escape');
  await page.locator('nav[data-region=list] ul button').first().waitFor({ state: 'detached' });
}

/** Looks whether anything is cut or sticks out. */
async function whole(page, name) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const { width } = page.viewportSize();
  for (const words of await page.evaluate(cut)) problems.push(`${name}, ${width}: ${words}`);
  if ((await overflow(page)) > 0) problems.push(`${name}, ${width}: sticks out`);
}

/** Texts of which a part cannot be seen, and that do not say it when pointed at. */
function cut() {
  const found = [];
  const told = (element) => element.closest('[title]') || element.querySelector('[title]');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const parent = text.parentElement;
    if (text.data.trim() === '' || parent.closest('.sr, textarea, option, script') || told(parent)) continue;
    if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    for (let around = parent; around && around !== document.documentElement; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (style.position === 'fixed' || around.popover) break;
      const edge = around.getBoundingClientRect();
      const beside = box.right > edge.right + 1 || box.left < edge.left - 1;
      if (beside && /auto|scroll/.test(style.overflowX) && around.scrollWidth > around.clientWidth + 1 && style.overflowY !== 'auto') break;
      if (beside && /hidden|clip|auto|scroll/.test(style.overflowX)) {
        found.push(`${text.data.trim().slice(0, 60)} (${Math.round(box.left)}–${Math.round(box.right)}) in .${around.className}`);
        break;
      }
      // Lines beyond a fold; what can be scrolled to is not cut.
      if (/hidden|clip/.test(style.overflowY) && around.contains(parent) && style.webkitLineClamp !== 'none' && around.scrollHeight > around.clientHeight + 1) {
        found.push(`${text.data.trim().slice(0, 60)} folded in .${around.className}`);
        break;
      }
    }
    if (box.right > innerWidth + 1 || box.left < -1) {
      if (!parent.closest('.jumps')) found.push(`${text.data.trim().slice(0, 60)} leaves the window`);
    }
  }
  return [...new Set(found)];
}
