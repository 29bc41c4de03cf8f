// What a conversation offers beside writing: places that are kept, jumps, keys, files and pictures.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { article, bubble, findings, row, send, visit } from './pages.mjs';
import { introduce, twoPrograms } from './pair.mjs';
import { steps } from './steps.mjs';

const LONG = Array.from({ length: 20 }, (_, line) => `line ${line + 1}`).join('\n');

const two = twoPrograms();
let anna;
let boris;
let annaId;

const step = steps(() => ({ anna, boris }));

describe('a conversation', () => {
  step('begins', async () => {
    ({ anna, boris, annaId } = await introduce(two));
  });

  step('says the day while somebody scrolls, and not after', async () => {
    const { page } = anna;
    for (let count = 1; count <= 12; count += 1) await send(page, `Part ${count}\n${LONG}`, `Part ${count}`);
    const label = page.locator('.sticky');
    assert.equal(await label.count(), 0);
    await page.locator('[role=log]').hover();
    await page.mouse.wheel(0, -900);
    await label.getByText('Today').waitFor();
    await label.waitFor({ state: 'detached' });
  });

  step('is left and opened again at the same line', async () => {
    const { page } = anna;
    const before = await topLine(page);
    await row(page, 'Note to Self').click();
    await bubble(page, 'A note').waitFor();
    await row(page, 'Boris').click();
    await page.waitForFunction(
      ({ item, top }) => {
        const found = document.querySelector(`[data-message="${item}"]`);
        return found && Math.abs(found.getBoundingClientRect().top - top) <= 1;
      },
      before,
    );
  });

  step('goes to what is new, then to the newest', async () => {
    const { page } = anna;
    for (let count = 1; count <= 3; count += 1) await send(boris.page, `News ${count}\n${LONG}`, `News ${count}`);
    await send(boris.page, `The last, @${annaId}`, 'The last');
    await page.getByRole('button', { name: 'To the newest message, 4 new' }).click();
    await inView(page, 'News 1');
    await page.getByRole('button', { name: /^To the newest message/ }).click();
    await inView(page, 'The last');
    await page.getByRole('button', { name: /^To the newest message/ }).waitFor({ state: 'detached' });
  });

  step('leads back to where the reader was', async () => {
    const { page } = anna;
    await page.locator('[role=log]').hover();
    await page.mouse.wheel(0, -20_000);
    await inView(page, 'The first of all');
    await article(page, 'The first of all').first().focus();
    await page.keyboard.press('r');
    await send(page, 'About the first');
    await page.locator('[role=log]').evaluate((box) => box.scrollBy(0, -300));
    await page.getByRole('button', { name: /^To the newest message/ }).waitFor();
    const back = page.getByRole('button', { name: 'Back to where you were' });
    assert.equal(await back.count(), 0);
    const before = await topLine(page);
    await article(page, 'About the first').last().getByRole('button', { name: /The first of all/ }).evaluate((quote) => quote.click());
    await inView(page, 'The first of all');
    assert.deepEqual(await findings(page), []);
    await back.click();
    await page.waitForFunction(
      ({ item, top }) => {
        const found = document.querySelector(`[data-message="${item}"]`);
        return found && Math.abs(found.getBoundingClientRect().top - top) <= 1;
      },
      before,
    );
    assert.equal(await back.count(), 0);
  });

  step('has a key for everything', async () => {
    const { page } = anna;
    const { keyboard } = page;
    await row(page, 'Boris').click();
    await keyboard.press('Control+f');
    await page.getByRole('heading', { name: 'Search in this conversation' }).waitFor();
    await keyboard.press('Escape');
    await keyboard.press('Alt+Shift+F');
    await page.getByRole('heading', { name: 'Search', exact: true }).waitFor();
    await keyboard.press('Escape');
    await keyboard.press('Control+i');
    await page.getByRole('complementary', { name: 'Details' }).waitFor();
    await keyboard.press('Control+i');
    await page.getByRole('complementary', { name: 'Details' }).waitFor({ state: 'detached' });
    await keyboard.press('Alt+Shift+M');
    await page.getByText('Muted', { exact: true }).waitFor();
    await row(page, 'Boris').filter({ hasText: 'muted' }).waitFor();
    await keyboard.press('Alt+Shift+M');
    await page.getByText('No longer muted').waitFor();
    await keyboard.press('Control+e');
    await page.getByRole('dialog', { name: 'Emoji' }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Emoji' }).waitFor({ state: 'detached' });
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), keyboard.press('Control+u')]);
    await chooser.setFiles([]);
    await keyboard.press('Alt+Shift+V');
    await page.getByRole('button', { name: 'Throw the recording away' }).click();
    await keyboard.press('Alt+Shift+N');
    await page.getByRole('heading', { name: 'New conversation' }).waitFor();
    await keyboard.press('Escape');
    await keyboard.press('Alt+2');
    await bubble(page, 'A note').waitFor();
    await keyboard.press('Alt+ArrowUp');
    await page.getByRole('heading', { name: 'Boris', level: 1 }).waitFor();
    await keyboard.press('Control+,');
    await page.getByRole('heading', { name: 'Account', exact: true }).waitFor();
    await keyboard.press('Escape');
    await row(page, 'Boris').click();
    await page.locator('#composer').focus();
    await keyboard.press('F6');
    assert.equal(await focusIn(page), 'list');
    await keyboard.press('Shift+F6');
    assert.equal(await focusIn(page), 'composer');
    await keyboard.press('ArrowUp');
    await page.locator('[data-item]:focus').waitFor();
    await keyboard.press('r');
    await page.getByText('Reply to yourself').waitFor();
    await keyboard.press('Escape');
    assert.equal(await page.getByText('Reply to yourself').count(), 0);
    await keyboard.press('ArrowUp');
    await page.locator('[data-item]:focus').waitFor();
    await keyboard.press('x');
    await page.getByRole('toolbar', { name: 'Selected messages' }).waitFor();
    await keyboard.press('Escape');
    await keyboard.press('Escape');
    assert.equal(await focusIn(page), 'list');
    await keyboard.press('Control+/');
    await page.getByRole('heading', { name: 'Shortcuts' }).waitFor();
  });

  step('obeys the keys that were chosen, also after a reload', async () => {
    const { page } = anna;
    const change = page.getByRole('button', { name: /Change the key for .*Go to/ });
    await change.click();
    await page.keyboard.press('Control+t');
    await page.getByText('belongs to the browser').waitFor();
    await page.keyboard.press('Control+i');
    await page.getByText(/is the key for: .*Details/).waitFor();
    await page.keyboard.press('Control+g');
    await page.locator('kbd', { hasText: 'Ctrl G' }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press('Control+k');
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.keyboard.press('Control+g');
    await page.getByRole('dialog', { name: 'Go to' }).waitFor();
    await page.keyboard.press('Escape');
    // What was chosen is kept by the program, not by the page.
    await page.locator('kbd', { hasText: 'Ctrl G' }).waitFor();
    const next = await visit(two.browser, (await two.annaApp.again()).url);
    await row(next.page, 'Boris').click();
    await next.page.locator('#composer').waitFor();
    await next.page.keyboard.press('Control+g');
    await next.page.getByRole('dialog', { name: 'Go to' }).waitFor();
    await next.context.close();
    await page.getByRole('button', { name: 'All keys as delivered' }).click();
  });

  step('is found by name, and so is every page', async () => {
    const { page } = anna;
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'Name, page or action' });
    await field.waitFor();
    assert.deepEqual(await findings(page), []);
    await field.fill('appear');
    await page.getByRole('option', { name: 'Appearance' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Appearance' }).waitFor();
    await page.keyboard.press('Control+k');
    await field.fill('bor');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Boris', level: 1 }).waitFor();
    assert.equal(await focusIn(page), 'composer');
  });

  step('follows the colours of the computer', async () => {
    const theme = (page) => page.evaluate(() => document.documentElement.dataset.theme);
    assert.equal(await theme(anna.page), 'paper');
    assert.equal(await theme(boris.page), 'ink');
    await boris.page.emulateMedia({ colorScheme: 'light' });
    await boris.page.waitForFunction(() => document.documentElement.dataset.theme === 'paper');
  });

  step('does nothing it should not', () => {
    for (const { faults } of [anna, boris]) assert.deepEqual(faults, []);
  });
});

/** The first message whose top is in view, and where. */
async function topLine(page) {
  await page.waitForFunction(() => document.querySelector('[role=article]'));
  return page.evaluate(() => {
    const edge = document.querySelector('[role=log]').getBoundingClientRect().top;
    const shown = [...document.querySelectorAll('[data-message]')].map((one) => [one, one.getBoundingClientRect()]);
    const [first, box] = shown.find(([, { bottom }]) => bottom > edge);
    return { item: first.dataset.message, top: box.top };
  });
}

/** Waits until a message is between the edges of the view. */
function inView(page, text) {
  return page.waitForFunction((words) => {
    const edge = document.querySelector('[role=log]').getBoundingClientRect();
    return [...document.querySelectorAll('[data-bubble]')].some((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return one.textContent.includes(words) && top < edge.bottom && bottom > edge.top;
    });
  }, text);
}

/** The part of the window that has the focus. */
function focusIn(page) {
  return page.evaluate(() => document.activeElement?.closest('[data-region]')?.dataset.region ?? document.activeElement?.tagName);
}
