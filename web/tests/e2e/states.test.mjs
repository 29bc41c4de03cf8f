// What is rare: names, deletions that are undone, room for files, a log to give away, a network
// that does not answer, a disk that is full.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { bubble, article, create, findings, openNew, ownId, row, send, visit } from './pages.mjs';
import { introduce, twoPrograms } from './pair.mjs';
import { App } from './programs.mjs';
import { steps } from './steps.mjs';

const CAROL = `05${randomBytes(32).toString('hex')}`;
const two = twoPrograms(undefined, ['--name', `carol=${CAROL}`]);
let anna;
let boris;
let annaId;
let borisId;

const step = steps(() => ({ anna, boris }));

describe('rare states', () => {
  step('begin', async () => {
    ({ anna, boris, annaId, borisId } = await introduce(two));
  });

  step('somebody is found by a registered name', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'New conversation' }).click();
    const field = page.getByLabel('Account ID', { exact: true });
    await field.fill('nobody');
    await field.press('Enter');
    await page.getByText('Nobody has registered this name').waitFor();
    await field.fill('Carol');
    assert.equal(await page.getByText('Nobody has registered').count(), 0);
    await page.getByRole('button', { name: /Look up the name .carol/ }).click();
    await page.getByText(/carol.* is registered to this account/).waitFor();
    assert.deepEqual(await findings(page), []);
    const shown = await page.locator('form').innerText();
    assert.ok(shown.replace(/\s/g, '').includes(CAROL));
    await field.press('Enter');
    await page.locator('#composer').waitFor();
    await row(page, 'Boris').click();
  });

  step('a message that was deleted here comes back, or stays away', async () => {
    const { page } = anna;
    await send(boris.page, 'A joke');
    await bubble(page, 'A joke').waitFor();
    await remove(page, 'A joke');
    await bubble(page, 'A joke').waitFor({ state: 'detached' });
    await row(page, 'A joke').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await bubble(page, 'A joke').waitFor();
    await row(page, 'A joke').waitFor();
    // Not brought back, whether the page is loaded again or the program ends at once.
    await remove(page, 'A joke');
    await bubble(page, 'A joke').waitFor({ state: 'detached' });
    await page.reload();
    await row(page, 'Boris').click();
    await bubble(page, 'Good morning').waitFor();
    assert.equal(await bubble(page, 'A joke').count(), 0);
    await two.annaApp.kill();
    await two.annaApp.start();
    await anna.context.close();
    anna = await visit(two.browser, two.annaApp.link.url);
    await row(anna.page, 'Boris').click();
    await bubble(anna.page, 'Good morning').waitFor();
    assert.equal(await bubble(anna.page, 'A joke').count(), 0);
    await bubble(boris.page, 'A joke').waitFor();
  });

  step('deleting a conversation names the number of its messages', async () => {
    const { page } = anna;
    await row(page, 'Note to Self').hover();
    await row(page, 'Note to Self').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByRole('dialog').getByText('1 message is removed here.').waitFor();
    assert.deepEqual(await findings(page), []);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  });

  step('files go by age, and it is said what goes', async () => {
    const { page } = anna;
    const [chooser] = await Promise.all([boris.page.waitForEvent('filechooser'), boris.page.keyboard.press('Control+u')]);
    await chooser.setFiles([{ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.alloc(40_000, 'x') }]);
    await boris.page.getByRole('button', { name: 'Send', exact: true }).click();
    await article(page, 'plan').getByRole('button', { name: /Save/ }).waitFor();
    await settings(page, 'Storage');
    await page.getByText('All conversations').waitFor();
    await page.getByText('Older than a week').click();
    await page.getByText('There is nothing of that age.').waitFor();
    await page.getByRole('radio', { name: 'All', exact: true }).click();
    await page.getByRole('listitem').filter({ hasText: 'Boris' }).getByRole('button', { name: 'Remove copies' }).click();
    const dialog = page.getByRole('dialog', { name: /^Remove 1 copy, .*4\d/ });
    assert.deepEqual(await findings(page), []);
    await dialog.getByRole('button', { name: 'Remove copies' }).click();
    await page.getByText('1 copy removed').waitFor();
    await page.getByText('There is nothing of that age.').waitFor();
  });

  step('it is said how many guards were tried', async () => {
    const { page } = anna;
    await settings(page, 'Network');
    two.net.child.kill('SIGSTOP');
    try {
      await page.getByText(/guards? w(as|ere) tried in vain/).waitFor({ timeout: 120_000 });
      assert.deepEqual(await findings(page), []);
    } finally {
      two.net.child.kill('SIGCONT');
    }
    await page.getByText('Your messages travel through three nodes').waitFor({ timeout: 120_000 });
    assert.equal(await page.getByText('tried in vain').count(), 0);
  });

  step('the log holds no names', async () => {
    const { page } = anna;
    await settings(page, 'Help');
    await page.getByRole('button', { name: 'Show the log' }).click();
    const log = await page.getByRole('region', { name: 'Log' }).innerText();
    assert.match(log, /^Session \d/);
    // Something was noted while nobody answered.
    assert.match(log, /^\S+Z (DEBUG|INFO|WARN|ERROR) session_/m);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as a file' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'session-log.txt');
    const saved = readFileSync(await download.path(), 'utf8');
    assert.equal(saved.trim(), log.trim());
    for (const word of [annaId, borisId, CAROL, 'Boris', '127.0.0.1', 'Good morning']) assert.ok(!saved.includes(word), word);
    assert.deepEqual(await findings(page), []);
  });

  step('leave nothing in the console', () => {
    for (const { faults } of [anna, boris]) assert.deepEqual(faults, []);
  });
});

describe('a full disk', () => {
  let carol;
  after(() => {
    if (carol) execFileSync('umount', ['-l', carol.folder]);
    carol?.remove();
  });

  it('is told, nothing is lost, and it goes on when there is room', async (test) => {
    const app = new App(two.net);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', app.folder], { stdio: 'ignore' });
    } catch {
      app.remove();
      return test.skip('this user may not mount a disk of a size of its own');
    }
    carol = app;
    await app.start();
    const { page, faults } = await visit(two.browser, app.link.url);
    await create(page, 'Carol');
    await openNew(page, await ownId(page));
    await send(page, 'Before');
    const ballast = join(app.folder, 'ballast');
    let parts = 0;
    for (const size of [1_000_000, 50_000, 4096]) {
      try {
        for (;; parts += 1) writeFileSync(`${ballast}${parts}`, Buffer.alloc(size));
      } catch (cause) {
        assert.equal(cause.code, 'ENOSPC');
        parts += 1;
      }
    }
    const field = page.locator('#composer');
    // The draft is what finds no room. Who goes on typing must not close what tells it.
    await field.fill('There is no room for this. '.repeat(60));
    const dialog = page.getByRole('dialog', { name: 'The disk is full' });
    await dialog.waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Space');
    assert.ok(await dialog.isVisible());
    assert.deepEqual(await findings(page), []);
    await dialog.getByRole('button', { name: 'Close' }).click();
    assert.match(await field.inputValue(), /^There is no room for this/);
    await field.press('Enter');
    await page.getByText('Nothing was lost; make room and try again').first().waitFor();
    assert.match(await field.inputValue(), /^There is no room for this/);
    for (let part = 0; part < parts; part += 1) rmSync(`${ballast}${part}`);
    await field.press('Enter');
    await bubble(page, 'There is no room for this').waitFor();
    await bubble(page, 'Before').waitFor();
    assert.deepEqual(faults, []);
  });
});

/** Deletes a message on this device. */
async function remove(page, text) {
  await article(page, text).last().focus();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('dialog', { name: /Delete/ });
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('1 message deleted on this device').waitFor();
}

/** Opens a page of the settings. */
async function settings(page, name) {
  const menu = page.getByRole('navigation', { name: 'Settings' });
  if ((await menu.count()) === 0) await page.keyboard.press('Control+,');
  await menu.getByRole('button', { name, exact: true }).click();
  await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
}
