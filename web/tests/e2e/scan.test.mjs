// An account that comes back from its QR code: as a picture and through the camera; codes that
// hold something else are told apart and not shown.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';

import { film, picture } from './codes.mjs';
import { create, findings, launch, overflow, ownId, visit } from './pages.mjs';
import { twoPrograms } from './pair.mjs';
import { png } from './png.mjs';
import { Rpc } from './rpc.mjs';
import { steps } from './steps.mjs';

const PHONE = { width: 390, height: 844 };
const WIDE = { width: 1280, height: 800 };
const LINK = 'https://example.org/choir?public_key=00';
const NO_ID = 'This is an Account ID. The Recovery Password is another code.';
const NO_CODE = 'No code was found in this image';
const NO_PASSWORD = 'This code does not hold a Recovery Password.';

const two = twoPrograms();
let folder;
let bot;
/** A browser whose camera sees codes. */
let seeing;
let anna;
let annaId;
/** The same account on another device, and in another browser of that device. */
let other;
let camera;
/** Anna's codes as her window shows them, and her words. */
let idCode;
let passwordCode;
let words;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-scan-'));
});

after(async () => {
  await seeing?.close();
  rmSync(folder, { recursive: true, force: true });
});

const step = steps(() => ({ anna, other, camera }));

describe('codes', () => {
  step('are shown by the window', async () => {
    bot = new Rpc(join(folder, 'bot'), { seed: 'http://127.0.0.1:9' });
    anna = await visit(two.browser, two.annaApp.link.url);
    const { page } = anna;
    await create(page, 'Anna');
    annaId = await ownId(page);
    idCode = await page.getByRole('img', { name: /QR code of the Account ID/ }).screenshot();
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: 'Recovery Password' }).click();
    await page.getByRole('button', { name: 'Show as QR code' }).click();
    passwordCode = await page.getByRole('img', { name: 'QR code of your Recovery Password' }).screenshot();
    await page.getByRole('button', { name: 'Show the words' }).click();
    await page.locator('main ol b').nth(12).waitFor();
    words = (await page.locator('main ol b').allInnerTexts()).map((word) => word.trim()).join(' ');
  });

  step('are asked for by keyboard, before there is an account', async () => {
    other = await visit(two.browser, two.borisApp.link.url, { colorScheme: 'dark' });
    const { page } = other;
    await begin(page);
    const scan = page.getByRole('button', { name: 'Scan a code' });
    await page.keyboard.press('Tab');
    assert.ok(await scan.evaluate((button) => button === document.activeElement));
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Hold the code before the camera' });
    // It shows no code.
    await page.waitForFunction(() => document.querySelector('video').currentTime > 0.5);
    assert.deepEqual(await findings(page), []);
    await page.setViewportSize(PHONE);
    assert.ok((await overflow(page)) <= 0);
    await page.setViewportSize(WIDE);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.ok(await scan.evaluate((button) => button === document.activeElement));
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    });
    await page.keyboard.press('Enter');
    await dialog.getByText('gives no camera to this page').waitFor();
    assert.equal(await dialog.locator('video').isVisible(), false);
  });

  step('that are no Recovery Password are told by what they are', async () => {
    const { page } = other;
    const made = async (text) => picture((await bot.call('qr.make', { text })).rows);
    // No sentence follows itself: each has to be said anew.
    for (const [image, said] of [
      [idCode, NO_ID],
      [await made('Anna'), NO_PASSWORD],
      [await made(LINK), 'This code holds a link. It was not opened. The Recovery Password is another code.'],
      // One digit too few.
      [await made('0123456789abcdef0123456789abcde'), NO_PASSWORD],
      [png(200, 200, [255, 255, 255]), NO_CODE],
      // A word too many.
      [await made(`${words} zoom`), NO_PASSWORD],
      [Buffer.from('no picture'), NO_CODE],
    ]) {
      await choose(page, image);
      await page.getByRole('dialog').getByText(said, { exact: true }).waitFor();
      const shown = await page.evaluate(() => document.documentElement.textContent + document.title + location.href);
      for (const secret of [annaId, 'example.org', '0123456789', words.split(' ').slice(0, 3).join(' ')]) assert.ok(!shown.includes(secret), said);
      assert.equal(await page.getByLabel('Recovery Password').inputValue(), '');
    }
    assert.deepEqual(await findings(page), []);
  });

  step('of a long seed give 25 words, with which nothing can be done here', async () => {
    const { page } = other;
    await choose(page, picture((await bot.call('qr.make', { text: '07'.repeat(32) })).rows));
    await page.getByText('25 words: an account with such a long Recovery Password').waitFor();
    assert.equal(await page.locator('.chips li').count(), 25);
    assert.equal(await page.locator('.chips .bad').count(), 0);
    assert.ok(await page.getByRole('button', { name: 'Continue' }).isDisabled());
  });

  step('bring the account back', async () => {
    const { page } = other;
    const field = page.getByLabel('Recovery Password');
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await choose(page, passwordCode);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('13 of 13 words').waitFor();
    assert.equal(await field.inputValue(), words);
    assert.ok(await field.evaluate((area) => area === document.activeElement));
    assert.deepEqual(await findings(page), []);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('A file, without the keyring').click();
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByText('That is all the network has.').waitFor();
    const name = page.locator('dl > div').filter({ hasText: 'Your name' }).locator('dd');
    assert.equal(await name.innerText(), 'Anna');
    await page.getByRole('button', { name: 'Start using it' }).click();
    await page.keyboard.press('Control+,');
    await page.getByRole('navigation', { name: 'Settings' }).waitFor();
    assert.equal(await ownId(page), annaId);
  });

  step('are read through a camera, and another one is no obstacle', async () => {
    const { seed } = await unknown();
    const path = join(folder, 'codes.y4m');
    const codes = [annaId, seed].map((text) => bot.call('qr.make', { text }));
    film(path, (await Promise.all(codes)).map(({ rows }) => rows));
    seeing = await launch({ film: path });
    camera = await visit(seeing, (await two.borisApp.again()).url);
    await camera.context.grantPermissions(['camera']);
    const { page } = camera;
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: 'Add account' }).click();
    await begin(page);
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByRole('dialog').getByText(NO_ID).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { recovery_password } = await unknown();
    assert.equal(await page.getByLabel('Recovery Password').inputValue(), recovery_password);
    await page.getByText('13 of 13 words').waitFor();
  });

  step('that are secret do not get where an Account ID belongs', async () => {
    const { page } = anna;
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await choose(page, passwordCode);
    await page.getByRole('dialog').getByText('This is a Recovery Password').waitFor();
    const field = page.getByLabel('Account ID', { exact: true });
    assert.equal(await field.inputValue(), '');
    await choose(page, picture((await bot.call('qr.make', { text: `05${'ab'.repeat(32)}` })).rows));
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await field.inputValue(), `05${'ab'.repeat(32)}`);
  });

  step('do nothing they should not', () => {
    for (const { faults } of [anna, other, camera]) assert.deepEqual(faults, []);
  });
});

async function begin(page) {
  await page.getByRole('button', { name: 'I have an account' }).click();
  await page.getByLabel('Recovery Password').waitFor();
}

/** Chooses an image in the dialog. */
async function choose(page, image) {
  const button = page.getByRole('dialog').getByRole('button', { name: 'Choose an image' });
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button.click()]);
  await chooser.setFiles([{ name: 'code.png', mimeType: 'image/png', buffer: image }]);
}

/** Words and seed of an account that only the bot has. */
async function unknown() {
  const { accounts } = await bot.call('accounts.list');
  const account = accounts[0]?.id ?? (await bot.account('Nobody'));
  return bot.call('accounts.recovery_password', { account });
}
