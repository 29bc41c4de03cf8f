// An account that comes back from its words, words that are hidden for good; voice messages one
// after another; files dropped on a row; a computer that slept.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { bubble, findings, overflow, row, visit } from './pages.mjs';
import { introduce, twoPrograms } from './pair.mjs';
import { App } from './programs.mjs';
import { Rpc } from './rpc.mjs';
import { steps } from './steps.mjs';

const PASSPHRASE = 'correct horse battery staple';
const UNHEARD = 'Voice message, not played yet';

const two = twoPrograms();
let folder;
/** A program without accounts, and a bot whose accounts no network knows. */
let laptop;
let bot;
let anna;
let boris;
let other;
let words;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-left-'));
});

after(() => {
  laptop?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const step = steps(() => ({ anna, boris, other }));

describe('what comes later', () => {
  step('begins', async () => {
    ({ anna, boris } = await introduce(two));
  });

  step('tells which voice messages were not played, also after a reload', async () => {
    for (let count = 0; count < 2; count += 1) {
      const { page } = boris;
      await page.getByRole('button', { name: 'Record voice message' }).click();
      await page.locator('[data-region=composer]').getByText('0:01').waitFor();
      await page.getByRole('button', { name: 'Send recording' }).click();
      await page.getByRole('slider').nth(count).waitFor();
    }
    const { page } = anna;
    await page.getByRole('slider', { name: UNHEARD }).nth(1).waitFor();
    // What one said oneself is none of them.
    assert.equal(await boris.page.getByRole('slider', { name: UNHEARD }).count(), 0);
    await page.reload();
    await row(page, 'Boris').click();
    await page.getByRole('slider', { name: UNHEARD }).nth(1).waitFor();
    assert.deepEqual(await findings(page), []);
  });

  step('plays the next voice message when one ends, and remembers both', async () => {
    const { page } = anna;
    const voices = page.getByRole('article').filter({ has: page.getByRole('slider') });
    await voices.nth(0).getByRole('button', { name: 'Play' }).click();
    await page.getByRole('slider', { name: UNHEARD }).nth(1).waitFor({ state: 'detached' });
    // Nobody pressed the second.
    await page.getByRole('slider', { name: UNHEARD }).first().waitFor({ state: 'detached' });
    await voices.nth(1).getByRole('button', { name: 'Play' }).waitFor();
    await page.reload();
    await row(page, 'Boris').click();
    await page.getByRole('slider').nth(1).waitFor();
    assert.equal(await page.getByRole('slider', { name: UNHEARD }).count(), 0);
  });

  step('opens the conversation on whose row files are dropped', async () => {
    const { page, context } = anna;
    const file = join(folder, 'shopping.txt');
    writeFileSync(file, 'two litres of milk');
    const mouse = await context.newCDPSession(page);
    const box = await row(page, 'Note to Self').boundingBox();
    const drag = (type, { x, y, width, height }) =>
      mouse.send('Input.dispatchDragEvent', {
        type,
        x: x + width / 2,
        y: y + height / 2,
        data: { items: [], files: [file], dragOperationsMask: 1 },
      });
    // Over the conversation that is open it would go there.
    const log = await page.getByRole('log').boundingBox();
    await drag('dragEnter', log);
    await page.locator('.drop').getByText('Boris').waitFor();
    await drag('dragOver', box);
    await page.locator('.drop').waitFor({ state: 'detached' });
    await row(page, 'Send to').waitFor();
    await drag('drop', box);
    await page.getByRole('heading', { name: 'Note to Self', level: 1 }).waitFor();
    await page.getByRole('list', { name: 'Files to send' }).getByText('shopping').waitFor();
    assert.deepEqual(await findings(page), []);
    await page.locator('#composer').press('Enter');
    await page.getByRole('log').getByText('shopping').waitFor();
    await row(page, 'Boris').click();
    await bubble(page, 'Good morning').waitFor();
    assert.equal(await page.getByRole('list', { name: 'Files to send' }).count(), 0);
  });

  step('shows the Recovery Password as words and as a QR code', async () => {
    const { page } = anna;
    bot = new Rpc(join(folder, 'bot'), { seed: 'http://127.0.0.1:9' });
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: 'Recovery Password' }).click();
    assert.equal(await page.getByRole('button', { name: 'Hide for good' }).count(), 0);
    await page.getByRole('button', { name: 'Show as QR code' }).click();
    const code = page.getByRole('img', { name: 'QR code of your Recovery Password' });
    await code.waitFor();
    assert.deepEqual(await findings(page), []);
    const seen = await bot.call('qr.read', await pixels(code));
    assert.match(seen.text, /^[0-9a-f]{32}$/);
    await page.getByRole('button', { name: 'Show the words' }).click();
    await page.locator('main ol b').nth(12).waitFor();
    words = (await page.locator('main ol b').allInnerTexts()).map((word) => word.trim());
    await page.getByRole('button', { name: 'I wrote them down' }).click();
    await answer(page.locator('main'));
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('Right. Keep the paper safe.').waitFor();
  });

  step('hides it for good, from who can prove to have it', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'Hide for good' }).click();
    const dialog = page.getByRole('dialog', { name: 'Hide the Recovery Password for good' });
    await dialog.getByRole('textbox').first().fill('wrong');
    await dialog.getByRole('button', { name: 'Hide for good' }).click();
    await dialog.getByText('Not this word').first().waitFor();
    assert.deepEqual(await findings(page), []);
    await answer(dialog);
    await dialog.getByRole('button', { name: 'Hide for good' }).click();
    await page.getByText('shown no more on this device').waitFor();
    const menu = page.getByRole('navigation', { name: 'Settings' });
    await menu.getByRole('button', { name: 'Privacy' }).waitFor();
    assert.equal(await menu.getByRole('button', { name: 'Recovery Password' }).count(), 0);
    await page.reload();
    await row(page, 'Boris').click();
    await page.keyboard.press('Control+,');
    await menu.getByRole('button', { name: 'Privacy' }).waitFor();
    assert.equal(await menu.getByRole('button', { name: 'Recovery Password' }).count(), 0);
    await page.keyboard.press('Escape');
  });

  step('says when no node has anything of an account', async () => {
    await bot.account('Nobody');
    const { accounts } = await bot.call('accounts.list');
    const unknown = await bot.call('accounts.recovery_password', { account: accounts[0].id });
    await bot.end();
    laptop = new App(two.annaApp.net);
    await laptop.start();
    other = await visit(two.browser, laptop.link.url, { colorScheme: 'dark' });
    const { page } = other;
    await page.getByRole('button', { name: 'I have an account' }).click();
    await page.getByLabel('Recovery Password').fill(unknown.recovery_password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('A file, without the keyring').click();
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('heading', { name: 'No account data on the network' }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.getByLabel('Display name').fill('Somebody');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
  });

  step('takes words by their beginnings, and tells what it finds', async () => {
    const { page } = other;
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: 'Add account' }).click();
    await page.getByRole('button', { name: 'I have an account' }).click();
    const field = page.getByLabel('Recovery Password');
    await field.pressSequentially(words[0].slice(0, 3));
    await page.getByRole('option', { name: words[0] }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press('Tab');
    await typed(field, `${words[0]} `);
    // Two letters may begin several words: an arrow chooses.
    await field.pressSequentially(words[1].slice(0, 2));
    const options = page.getByRole('listbox').getByRole('option');
    await options.first().waitFor();
    const offered = await options.allInnerTexts();
    if (offered.length > 1) {
      await page.keyboard.press('ArrowDown');
      assert.equal(await options.nth(1).getAttribute('aria-selected'), 'true');
    }
    await page.keyboard.press('Escape');
    await options.first().waitFor({ state: 'detached' });
    await field.pressSequentially(words[1].slice(2, 3));
    await options.first().waitFor();
    // A space writes the word out too.
    await page.keyboard.press('Space');
    await typed(field, `${words[0]} ${words[1]} `);
    await field.pressSequentially(words.slice(2).map((word) => word.slice(0, 3)).join(' '));
    await typed(field, `${[...words.slice(0, 12), words[12].slice(0, 3)].join(' ')}`);
    await page.getByRole('option', { name: words[12] }).click();
    await typed(field, words.join(' '));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('A passphrase').click();
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await page.getByLabel('The same again').fill(PASSPHRASE);
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('heading', { name: 'Looking for your account' }).waitFor();
    await page.getByText('That is all the network has.').waitFor();
    const fact = (name) => page.locator('dl > div').filter({ hasText: name }).locator('dd');
    assert.equal(await fact('Your name').innerText(), 'Anna');
    assert.equal(await fact('Contacts').innerText(), '1');
    assert.ok(Number(await fact('Messages of the last 14 days').innerText()) >= 5);
    assert.deepEqual(await findings(page), []);
    await page.setViewportSize({ width: 390, height: 844 });
    assert.ok((await overflow(page)) <= 0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'Start using it' }).click();
    await row(page, 'Boris').click();
    await bubble(page, 'Good morning').waitFor();
  });

  step('locks when the computer slept, if that is wanted', async () => {
    const { page } = other;
    const sleeps = () =>
      page.evaluate(() => {
        const real = Date.now;
        Date.now = () => real() + 3_600_000;
      });
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: 'Privacy' }).click();
    const wanted = page.getByRole('switch', { name: 'Lock when the computer sleeps' });
    await wanted.uncheck();
    assert.deepEqual(await findings(page), []);
    await sleeps();
    await page.mouse.move(300, 300);
    await wanted.check();
    await sleeps();
    await page.mouse.move(400, 400);
    await page.getByRole('heading', { name: 'Locked' }).waitFor();
    const left = await page.evaluate(() => document.documentElement.textContent + document.title);
    for (const word of ['Boris', 'Good morning']) assert.ok(!left.includes(word), word);
  });

  step('does nothing it should not', () => {
    for (const { faults } of [anna, boris, other]) assert.deepEqual(faults, []);
  });
});

/** Writes the words that are asked for into the fields of a form. */
async function answer(form) {
  for (const field of await form.getByRole('textbox').all()) {
    const number = Number(/\d+/.exec(await field.evaluate((input) => input.labels[0].textContent))[0]);
    await field.fill(words[number - 1]);
  }
}

/** Waits until a field holds a text. */
async function typed(field, text) {
  const element = await field.elementHandle();
  await field.page().waitForFunction(([input, wanted]) => input.value === wanted, [element, text]);
}

/** A QR code of the page as a camera sees it: how bright each pixel is. */
async function pixels(code) {
  const { side, path } = await code.evaluate((svg) => ({
    side: svg.viewBox.baseVal.width,
    path: svg.querySelector('path').getAttribute('d'),
  }));
  const SCALE = 6;
  const across = side * SCALE;
  const grey = Buffer.alloc(across * across, 255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1/g)) {
    for (let line = y * SCALE; line < (Number(y) + 1) * SCALE; line += 1) {
      const from = line * across + x * SCALE;
      grey.fill(0, from, from + length * SCALE);
    }
  }
  return { width: across, height: across, grey: grey.toString('base64') };
}
