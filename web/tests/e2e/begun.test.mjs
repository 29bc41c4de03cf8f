// What goes with a message, and what is begun: drafts, files, pictures, emoji; the own picture, the
// Recovery Password.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { article, bubble, findings, row, send, visit } from './pages.mjs';
import { introduce, twoPrograms } from './pair.mjs';
import { png } from './png.mjs';
import { steps } from './steps.mjs';

const two = twoPrograms();
let anna;
let boris;

const step = steps(() => ({ anna, boris }));

describe('what is begun', () => {
  step('begins', async () => {
    ({ anna, boris } = await introduce(two));
  });

  step('offers emoji by their names, and a file for what is too long', async () => {
    const { page } = anna;
    const field = page.locator('#composer');
    await field.fill('');
    await field.pressSequentially('Good :grinn');
    await page.getByRole('option').first().waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press('Tab');
    await page.getByRole('option').first().waitFor({ state: 'detached' });
    assert.match(await field.inputValue(), /^Good \p{Emoji_Presentation}$/u);
    await field.fill('Before');
    await page.evaluate(() => navigator.clipboard.writeText('long '.repeat(500)));
    await page.keyboard.press('Control+v');
    await page.getByText('Too long by').waitFor();
    await page.getByRole('button', { name: 'Send as a file' }).click();
    await page.getByRole('list', { name: 'Files to send' }).getByText('note').waitFor();
    assert.equal(await field.inputValue(), 'Before');
    await page.getByRole('button', { name: /Remove .note/ }).click();
    await page.getByRole('list', { name: 'Files to send' }).waitFor({ state: 'detached' });
    await field.fill('');
  });

  step('keeps what was begun through a power cut: words, answer and files', async () => {
    const { page } = anna;
    await article(page, 'The first of all').focus();
    await page.keyboard.press('r');
    await page.locator('#composer').fill('Half a sentence');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Control+u')]);
    await chooser.setFiles([
      { name: 'tea.png', mimeType: 'image/png', buffer: png(240, 160, [6, 114, 114]) },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('two litres of milk') },
    ]);
    await page.getByRole('switch', { name: 'Send as files' }).check();
    // What is kept shows in the list once the conversation is left.
    await row(page, 'Note to Self').click();
    await row(page, 'Draft: Half a sentence').waitFor();
    await row(page, 'Boris').click();
    await page.getByRole('list', { name: 'Files to send' }).getByText('notes').waitFor();
    await two.annaApp.kill();
    await two.annaApp.start();
    await anna.context.close();
    anna = await visit(two.browser, two.annaApp.link.url);
    await row(anna.page, 'Boris').click();
    await anna.page.waitForFunction(() => document.querySelector('#composer')?.value === 'Half a sentence');
    await anna.page.getByText('Reply to yourself').waitFor();
    const tray = anna.page.getByRole('list', { name: 'Files to send' });
    assert.equal(await tray.getByRole('group').count(), 2);
    assert.equal(await anna.page.getByRole('switch', { name: 'Send as files' }).isChecked(), true);
    await anna.page.getByRole('switch', { name: 'Send as files' }).uncheck();
    await tray.locator('img').waitFor();
    await anna.page.getByRole('button', { name: /Remove .tea/ }).click();
    await anna.page.getByRole('button', { name: /Remove .notes/ }).click();
    await anna.page.getByRole('button', { name: 'Do not reply' }).click();
    await anna.page.locator('#composer').fill('');
    await row(anna.page, 'Note to Self').click();
    await row(anna.page, 'Draft:').waitFor({ state: 'detached' });
    await row(anna.page, 'Boris').click();
  });

  step('shows the part of a picture that was chosen', async () => {
    const { page } = anna;
    await page.keyboard.press('Control+,');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose picture' }).click(),
    ]);
    const halves = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(800, 400);
      const context = canvas.getContext('2d');
      for (const [colour, x] of [['rgb(200 0 0)', 0], ['rgb(0 0 200)', 400]]) {
        context.fillStyle = colour;
        context.fillRect(x, 0, 400, 400);
      }
      const blob = await canvas.convertToBlob({ type: 'image/png' });
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    });
    await chooser.setFiles([{ name: 'halves.png', mimeType: 'image/png', buffer: Buffer.from(halves) }]);
    const dialog = page.getByRole('dialog', { name: 'Your picture' });
    await dialog.waitFor();
    assert.deepEqual(await findings(page), []);
    await dialog.getByRole('group').focus();
    for (let press = 0; press < 12; press += 1) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('+');
    await dialog.getByRole('button', { name: 'Use this picture' }).click();
    await page.getByText('Picture set').waitFor();
    await page.waitForFunction(async () => {
      const shown = document.querySelector('main .avatar img');
      if (!shown?.complete || shown.naturalWidth === 0) return false;
      const canvas = new OffscreenCanvas(1, 1);
      const context = canvas.getContext('2d');
      // Its left edge: blue, since the right half was chosen.
      context.drawImage(shown, 2, shown.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
      const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
      return blue > 150 && red < 80;
    });
  });

  step('sends a picture as a file when that is wanted', async () => {
    const { page } = anna;
    await page.keyboard.press('Escape');
    await row(page, 'Boris').click();
    // Behind its end: what is taken out of pictures that are shown.
    const content = Buffer.concat([png(240, 160, [6, 114, 114]), Buffer.from('where it was taken')]);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Attach files' }).click(),
    ]);
    await chooser.setFiles([{ name: 'tea.png', mimeType: 'image/png', buffer: content }]);
    await page.getByRole('list', { name: 'Files to send' }).locator('img').waitFor();
    await page.getByRole('switch', { name: 'Send as files' }).check();
    await page.getByRole('list', { name: 'Files to send' }).locator('img').waitFor({ state: 'detached' });
    assert.deepEqual(await findings(page), []);
    await page.locator('#composer').fill('As it is');
    await page.locator('#composer').press('Enter');
    const came = article(boris.page, 'As it is');
    const [download] = await Promise.all([
      boris.page.waitForEvent('download'),
      came.getByRole('button', { name: 'Save' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'tea.png');
    const parts = [];
    for await (const part of await download.createReadStream()) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(content));
    assert.equal(await came.locator('[data-bubble] img').count(), 0);
  });

  step('asks for the Recovery Password to be saved until it is', async () => {
    const { page } = anna;
    const banner = page.getByText('Your Recovery Password is not saved');
    await banner.waitFor();
    assert.equal(await page.locator('.banner').count(), 1);
    assert.deepEqual(await findings(page), []);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole('button', { name: /^Back/ }).click();
    await banner.waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'Save it' }).click();
    await page.getByRole('button', { name: 'Show the words' }).click();
    await page.locator('main ol b').nth(12).waitFor();
    await page.locator('main ol b').nth(12).waitFor();
    const words = (await page.locator('main ol b').allInnerTexts()).map((word) => word.trim());
    await page.getByRole('button', { name: 'I wrote them down' }).click();
    for (const field of await page.locator('main').getByRole('textbox').all()) {
      const number = Number(/\d+/.exec(await field.evaluate((input) => input.labels[0].textContent))[0]);
      await field.fill(words[number - 1]);
    }
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('Right. Keep the paper safe.').waitFor();
    await page.reload();
    await row(page, 'Boris').click();
    await bubble(page, 'Good morning').waitFor();
    assert.equal(await banner.count(), 0);
  });

  step('does nothing it should not', () => {
    for (const { faults } of [anna, boris]) assert.deepEqual(faults, []);
  });
});
