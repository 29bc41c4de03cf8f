// A file server of one's own: chosen in the window, used from then on, remembered.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { article, findings, row, visit } from './pages.mjs';
import { introduce, twoPrograms } from './pair.mjs';
import { png } from './png.mjs';
import { steps } from './steps.mjs';

// Nobody tells the programs of the file server that there is.
const two = twoPrograms(async ({ net, annaApp, borisApp }) => {
  for (const app of [annaApp, borisApp]) app.net = { ...net, files: undefined };
  await Promise.all([annaApp.start(), borisApp.start()]);
});
let anna;
let boris;

const step = steps(() => ({ anna, boris }));

describe('a file server', () => {
  step('is missed', async () => {
    ({ anna, boris } = await introduce(two));
    await network(anna.page);
    await anna.page.getByText('This network has no file server').waitFor();
    assert.deepEqual(await findings(anna.page), []);
  });

  step('is chosen by its address and key', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'Use another file server' }).click();
    const dialog = page.getByRole('dialog', { name: 'Use another file server' });
    const field = dialog.getByLabel('Address and key');
    await field.fill(two.net.files.split('#')[0]);
    await field.press('Enter');
    await dialog.getByRole('alert').getByText('This is not the address of a file server').waitFor();
    assert.deepEqual(await findings(page), []);
    await field.fill(` ${two.net.files} `);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('What you send from now on is kept at').waitFor();
    await page.getByText(two.net.files.split('#')[0], { exact: true }).waitFor();
    await page.getByText("Yours, not the network's").waitFor();
    assert.deepEqual(await findings(page), []);
  });

  step('takes what is sent, and others fetch it who were told nothing', async () => {
    const { page } = anna;
    await page.keyboard.press('Escape');
    await row(page, 'Boris').click();
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Attach files' }).click()]);
    await chooser.setFiles([{ name: 'tea.png', mimeType: 'image/png', buffer: png(240, 160, [6, 114, 114]) }]);
    await page.locator('#composer').fill('Tea');
    await page.locator('#composer').press('Enter');
    const came = article(boris.page, 'Tea');
    await came.locator('img').waitFor();
    assert.ok(await came.locator('img').evaluate((img) => img.complete && img.naturalWidth > 0));
  });

  step('is remembered when the program ends', async () => {
    await two.annaApp.kill();
    await anna.context.close();
    const link = await two.annaApp.start();
    anna = await visit(two.browser, link.url);
    await row(anna.page, 'Boris').waitFor();
    await network(anna.page);
    await anna.page.getByText("Yours, not the network's").waitFor();
  });

  step('is given up again', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: "Use the network's" }).click();
    await page.getByText('This network has no file server').first().waitFor();
    await page.getByText("Yours, not the network's").waitFor({ state: 'detached' });
    assert.deepEqual(anna.faults, []);
  });
});

async function network(page) {
  await page.keyboard.press('Control+,');
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('button', { name: 'Network', exact: true }).click();
  await page.getByRole('heading', { name: 'Network', exact: true, level: 1 }).waitFor();
}
