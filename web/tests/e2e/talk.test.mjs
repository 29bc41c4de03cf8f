// Anna and Boris: from making accounts to what is left after a power cut.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { article, bubble, create, findings, openNew, overflow, ownId, row, send, visit } from './pages.mjs';
import { twoPrograms } from './pair.mjs';
import { png } from './png.mjs';
import { steps } from './steps.mjs';

const PASSPHRASE = 'correct horse battery staple';
const PNG = png(240, 160, [6, 114, 114]);

const two = twoPrograms();
let anna;
let boris;
let annaId;
let borisId;

const step = steps(() => ({ anna, boris }));

describe('two people', () => {
  step('make their accounts', async () => {
    anna = await visit(two.browser, two.annaApp.link.url);
    boris = await visit(two.browser, two.borisApp.link.url);
    assert.deepEqual(await findings(anna.page), []);
    await create(anna.page, 'Anna Petrova');
    await create(boris.page, 'Boris', PASSPHRASE);
    annaId = await ownId(anna.page);
    borisId = await ownId(boris.page);
    assert.match(annaId, /^05[0-9a-f]{64}$/);
    assert.notEqual(annaId, borisId);
    await anna.page.getByRole('img', { name: /QR code/ }).waitFor();
    await anna.page.getByText('Connected').waitFor();
  });

  step('are told what is wrong with an Account ID', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'New conversation' }).click();
    const field = page.getByLabel('Account ID', { exact: true });
    for (const [typed, words] of [
      [borisId.slice(0, 12), '12 of 66 characters'],
      [`15${borisId.slice(2)}`, 'A community id'],
      [`${borisId.slice(0, 8)}o${borisId.slice(9)}`, 'at place'],
      ['https://example.org/room', 'The address of a community'],
    ]) {
      await field.fill(typed);
      await page.getByText(words).waitFor();
    }
    await page.getByRole('button', { name: 'Back' }).click();
  });

  step('write for the first time, ask, accept and answer', async () => {
    await openNew(anna.page, borisId);
    await send(anna.page, 'Good morning, Boris');
    await article(anna.page, 'Good morning').getByText('Sent').waitFor({ state: 'attached' });
    await anna.page.getByText('can answer once your request is accepted').waitFor();
    await boris.page.getByRole('button', { name: '1 message request' }).click();
    await boris.page.getByRole('button', { name: /Anna Petrova/ }).click();
    await bubble(boris.page, 'Good morning').waitFor();
    assert.deepEqual(await findings(boris.page), []);
    await boris.page.getByRole('button', { name: 'Accept' }).click();
    await send(boris.page, 'Good morning, Anna');
    await bubble(anna.page, 'Good morning, Anna').waitFor();
    await anna.page.getByText(/Boris.? accepted your message request/).waitFor();
  });

  step('answer and react', async () => {
    await article(anna.page, 'Good morning, Anna').hover();
    await article(anna.page, 'Good morning, Anna').getByRole('button', { name: 'Reply' }).click();
    await send(anna.page, 'Did the parcel come?');
    const quoted = article(boris.page, 'Did the parcel come?');
    await quoted.getByText('Good morning, Anna').waitFor();
    await quoted.focus();
    await boris.page.keyboard.press('e');
    await boris.page.getByRole('dialog', { name: 'Emoji' }).getByRole('button', { name: '👍' }).click();
    await article(anna.page, 'Did the parcel come?').getByRole('button', { name: /👍/ }).waitFor();
    await boris.page.getByRole('button', { name: /👍.*You/ }).click();
    await article(anna.page, 'Did the parcel come?').getByRole('button', { name: /👍/ }).waitFor({ state: 'detached' });
  });

  step('delete for everyone', async () => {
    await send(anna.page, 'A slip of the finger');
    await bubble(boris.page, 'A slip of the finger').waitFor();
    await article(anna.page, 'A slip of the finger').focus();
    await anna.page.keyboard.press('Delete');
    await anna.page.getByText('For everyone').click();
    assert.deepEqual(await findings(anna.page), []);
    await anna.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await boris.page.getByText(/Deleted by .Anna Petrova/).waitFor();
    await anna.page.getByRole('log').getByText('You deleted this').waitFor();
    assert.equal(await bubble(boris.page, 'A slip of the finger').count(), 0);
  });

  step('send pictures and files', async () => {
    const [chooser] = await Promise.all([
      anna.page.waitForEvent('filechooser'),
      anna.page.getByRole('button', { name: 'Attach files' }).click(),
    ]);
    await chooser.setFiles([
      { name: 'tea.png', mimeType: 'image/png', buffer: PNG },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('two litres of milk') },
    ]);
    await anna.page.locator('#composer').fill('Tea, and the list');
    await anna.page.getByRole('button', { name: 'Send', exact: true }).click();
    const came = article(boris.page, 'Tea, and the list');
    await came.locator('img').waitFor();
    assert.ok(await came.locator('img').evaluate((img) => img.complete && img.naturalWidth > 0));
    const [download] = await Promise.all([
      boris.page.waitForEvent('download'),
      came.getByRole('button', { name: 'Save' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'notes.txt');
    const parts = [];
    for await (const part of await download.createReadStream()) parts.push(part);
    assert.equal(Buffer.concat(parts).toString(), 'two litres of milk');
    await boris.page.getByText(/Anna Petrova.? is told/).waitFor();
    await anna.page.getByText(/Boris.? saved/).waitFor();
    await came.locator('img').click();
    await boris.page.getByRole('dialog', { name: 'Picture' }).locator('img').waitFor();
    await boris.page.keyboard.press('Escape');
  });

  step('send voice', async () => {
    await anna.page.getByRole('button', { name: 'Record voice message' }).click();
    await anna.page.locator('[data-region=composer]').getByText('0:01').waitFor();
    await anna.page.getByRole('button', { name: 'Send recording' }).click();
    const slider = boris.page.getByRole('slider', { name: 'Voice message' });
    await slider.waitFor();
    await boris.page.waitForFunction(
      () => Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuemax')) >= 1,
    );
    await boris.page.getByRole('button', { name: 'Play' }).click();
    await boris.page.getByRole('button', { name: 'Pause' }).waitFor();
  });

  step('set when messages disappear', async () => {
    await anna.page.getByRole('button', { name: 'Details', exact: true }).click();
    await anna.page.getByRole('complementary').getByRole('button', { name: 'Change' }).click();
    await anna.page.getByText('After reading').click();
    await anna.page.getByText('10 seconds').click();
    await anna.page.getByRole('button', { name: 'Set', exact: true }).click();
    await boris.page.getByText(/disappear .10 seconds. after they are read/).waitFor();
    // The notice disappears by its own rule: it is answered at once.
    await boris.page.getByRole('button', { name: 'Use the same' }).click();
    await anna.page.getByText(/Messages of .Boris. disappear .10 seconds/).waitFor();
    await anna.page.keyboard.press('Escape');
    await send(anna.page, 'Gone in a moment');
    await bubble(boris.page, 'Gone in a moment').waitFor();
    await bubble(boris.page, 'Gone in a moment').waitFor({ state: 'detached' });
    await anna.page.getByRole('button', { name: 'Details', exact: true }).click();
    await anna.page.getByRole('complementary').getByRole('button', { name: 'Change' }).click();
    await anna.page.getByRole('complementary').getByText('Off', { exact: true }).click();
    await anna.page.getByRole('button', { name: 'Set', exact: true }).click();
    await anna.page.getByText('You turned disappearing messages off').waitFor();
    await anna.page.keyboard.press('Escape');
  });

  step('find what was written', async () => {
    await anna.page.keyboard.press('Alt+Shift+F');
    await anna.page.getByRole('searchbox').fill('parcel');
    await anna.page.getByRole('button', { name: /parcel come/ }).click();
    await article(anna.page, 'Did the parcel come?').waitFor();
    await anna.page.getByRole('searchbox').fill('no such words');
    await anna.page.getByText('No results for').waitFor();
    await anna.page.getByRole('button', { name: 'Back' }).first().click();
  });

  step('lock and open again', async () => {
    const { page } = boris;
    await page.keyboard.press('Alt+Shift+L');
    await page.getByRole('heading', { name: 'Locked' }).waitFor();
    const left = await page.evaluate(() => document.documentElement.textContent + document.title);
    for (const word of ['Anna', 'parcel', annaId, borisId]) assert.ok(!left.includes(word), word);
    await page.getByLabel('Passphrase', { exact: true }).fill('something else');
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByText('That was not it').waitFor();
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await row(page, 'Anna Petrova').waitFor();
    // At the same place as before.
    await page.getByRole('heading', { name: 'Anna Petrova', level: 1 }).waitFor();
  });

  step('block and unblock', async () => {
    await row(boris.page, 'Anna Petrova').click({ button: 'right' });
    await boris.page.getByRole('menuitem', { name: 'Block' }).click();
    await boris.page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
    await boris.page.keyboard.press('Control+,');
    await boris.page.getByRole('button', { name: 'Blocked people' }).click();
    await boris.page.getByRole('button', { name: 'Unblock' }).click();
    await boris.page.getByText('You have not blocked anyone').waitFor();
    await boris.page.getByRole('button', { name: 'Back' }).first().click();
  });

  step('keep a draft through a power cut, and lose no queued message', async () => {
    await row(anna.page, 'Boris').click();
    await anna.page.locator('#composer').fill('Half a sentence');
    await row(anna.page, 'Draft: Half a sentence').waitFor();
    await two.annaApp.kill();
    await anna.page.getByText('The app on this computer stopped').first().waitFor();
    await two.annaApp.start();
    const next = await visit(two.browser, two.annaApp.link.url);
    await row(next.page, 'Boris').click();
    await next.page.waitForFunction(() => document.querySelector('#composer')?.value === 'Half a sentence');
    await bubble(next.page, 'Did the parcel come?').waitFor();
    await anna.context.close();
    anna = next;
  });

  step('open a link twice: both end', async () => {
    const again = await two.annaApp.again();
    const first = await visit(two.browser, again.url);
    await row(first.page, 'Boris').waitFor();
    const second = await visit(two.browser, again.url);
    await second.page.getByText('This link was used').waitFor();
    await first.page.getByText('This page was signed out').waitFor();
    await Promise.all([first.context.close(), second.context.close()]);
  });

  step('write to themselves and read where they were', async () => {
    const { page } = anna;
    await openNew(page, annaId);
    for (let count = 1; count <= 100; count += 1) await send(page, `Note ${count} ${'word '.repeat(count % 23)}`);
    await row(page, 'Note to Self').waitFor();
    await row(page, 'Boris').click();
    await row(page, 'Note to Self').click();
    await bubble(page, 'Note 100').waitFor();
    const { heights, tops } = await readWhileMoreComes(page);
    assert.ok(heights.length > 1, 'older notes came above');
    assert.equal(tops.length, 1, 'what is read does not move');
  });

  step('have a second account beside the first', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: 'Add account' }).click();
    await create(page, 'Anna at work');
    const rail = page.getByRole('navigation', { name: 'Accounts' });
    await rail.waitFor();
    await rail.getByRole('button', { name: 'Anna Petrova' }).click();
    await row(page, 'Boris').waitFor();
  });

  step('see their Recovery Password and prove that they wrote it down', async () => {
    const { page } = anna;
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: 'Recovery Password' }).click();
    await page.getByRole('button', { name: 'Show the words' }).click();
    await page.locator('main ol b').nth(12).waitFor();
    const words = (await page.locator('main ol b').allInnerTexts()).map((word) => word.trim());
    assert.equal(words.length, 13);
    await page.getByRole('button', { name: 'I wrote them down' }).click();
    await page.getByRole('button', { name: 'Check' }).waitFor();
    for (const field of await page.getByRole('textbox').all()) {
      const number = Number(/\d+/.exec(await field.evaluate((input) => input.labels[0].textContent))[0]);
      await field.fill(words[number - 1]);
    }
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('Right. Keep the paper safe.').waitFor();
    const left = await page.evaluate(() => document.documentElement.textContent);
    assert.ok(!left.includes(words.join(' ')));
  });

  step('have pages that everybody can use, in both themes and on a phone', async () => {
    const { page } = anna;
    for (const theme of ['Paper', 'Ink']) {
      await page.getByRole('button', { name: 'Appearance' }).click();
      await page.getByText(theme, { exact: true }).click();
      for (const name of ['Account', 'Privacy', 'Notifications', 'Appearance', 'Storage', 'Network', 'Shortcuts', 'Help']) {
        await page.getByRole('navigation', { name: 'Settings' }).getByRole('button', { name, exact: true }).click();
        await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
        assert.deepEqual(await findings(page), [], `${name}, ${theme}`);
      }
    }
    await page.setViewportSize({ width: 390, height: 844 });
    assert.ok((await overflow(page)) <= 0);
    await page.getByRole('button', { name: 'Back' }).first().click();
  });

  step('leave nothing in the address, the title and the console', async () => {
    for (const { page, faults } of [anna, boris]) {
      const url = new URL(page.url());
      assert.equal(`${url.pathname}${url.search}${url.hash}`, '/');
      assert.match(await page.title(), /^(\(\d+\+?\) )?Session$/);
      const kept = await page.evaluate(() => JSON.stringify(history.state) + JSON.stringify({ ...sessionStorage }));
      for (const word of ['Anna', 'Boris', annaId, borisId]) assert.ok(!kept.includes(word));
      assert.deepEqual(faults, []);
    }
  });
});

/** Scrolls up and watches one message, frame by frame, while older ones come above it. */
function readWhileMoreComes(page) {
  return page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const box = document.querySelector('[role=log]');
    box.scrollBy(0, -900);
    await frame();
    await frame();
    const edge = box.getBoundingClientRect().top;
    const read = [...document.querySelectorAll('[role=article]')].find((item) => item.getBoundingClientRect().top >= edge);
    const key = `[data-item="${CSS.escape(read.dataset.item)}"]`;
    const heights = new Set();
    const tops = new Set();
    for (const end = performance.now() + 2000; performance.now() < end; await frame()) {
      heights.add(box.scrollHeight);
      tops.add(Math.round(document.querySelector(key).getBoundingClientRect().top));
    }
    return { heights: [...heights], tops: [...tops] };
  });
}
