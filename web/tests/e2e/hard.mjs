// Pictures of what is hard to show: `npm run screenshots -- <folder> hard`.
import { join } from 'node:path';

import { article, row, visit } from './pages.mjs';
import { crowd } from './crowd.mjs';

const ACCENTS = ['Juniper', 'Iris', 'Ocean', 'Meadow', 'Ember', 'Rose', 'Slate'];

export async function hard({ browser, net, folder, variants }) {
  const { app, others, ids } = await crowd(net);
  const shooter = (page, suffix) => async (name, target = page) => {
    await page.waitForTimeout(350);
    await target.screenshot({ path: join(folder, `${name}-${suffix}.png`) });
  };
  await app.start();
  try {
    for (const { size, theme, options } of variants) {
      const visited = await visit(browser, (await app.again()).url, options);
      await look(visited.page, size === 'phone', shooter(visited.page, `${size}-${theme}`));
      if (visited.faults.length > 0) console.warn(`${size} ${theme}: ${visited.faults.join('; ')}`);
      await visited.context.close();
    }
    await accents();
  } finally {
    app.remove();
    others.remove();
  }

  async function look(page, phone, shoot) {
    const back = () => page.getByRole('button', { name: /^(Back|Close)/ }).first().click();
    const open = async (name) => {
      const link = row(page, name).first();
      await link.scrollIntoViewIfNeeded();
      await link.click();
      await page.locator('[role=log]').waitFor();
    };
    const scroll = (part) => page.locator('[role=log]').evaluate((box, to) => box.scrollTo(0, to * (box.scrollHeight - box.clientHeight)), part);
    await row(page, 'Number 1005').waitFor();
    await shoot('70-list');
    await page.locator('nav [data-scroll]').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await shoot('71-list-end');
    // The unread stay unread for the next size: the window is not looked at.
    await open('Nadia');
    await shoot('72-unread');
    if (phone) await back();
    await open('Boris Winter');
    await shoot('73-texts-end');
    for (const [index, part] of [0.75, 0.5, 0.25, 0].entries()) {
      await scroll(part);
      await page.waitForTimeout(200);
      await scroll(part);
      await shoot(`74-texts-${4 - index}`);
    }
    await composer(page, phone, shoot);
    if (phone) await back();
    await open('Galina');
    for (let number = 0; number < 6; number += 1) {
      await scroll(1 - number / 5);
      await page.waitForTimeout(500);
      await scroll(1 - number / 5);
      await shoot(`76-media-${6 - number}`);
    }
    if (phone) await back();
    await open('ليلى');
    await shoot('77-arabic-bodies');
    if (phone) await back();
    await open('Viktor');
    await shoot('78-blocked');
    if (phone) await back();
    await page.getByRole('button', { name: '1 message request' }).click();
    await shoot('79-requests');
    await page.getByRole('button', { name: /Dmitri/ }).click();
    await shoot('80-request');
    if (phone) await back();
    await page.getByRole('button', { name: 'Back' }).first().click();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await shoot('81-contacts');
    await page.getByLabel('Account ID', { exact: true }).fill('Gal');
    await shoot('82-contacts-found');
    await back();
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No results for').waitFor();
    await shoot('83-search-none');
    await back();
  }

  async function composer(page, phone, shoot) {
    await scroll1(page);
    const field = page.locator('#composer');
    await field.fill(Array.from({ length: 8 }, (_, index) => `Line ${index + 1}`).join('\n'));
    await shoot('75-composer-8');
    await field.fill(Array.from({ length: 14 }, (_, index) => `Line ${index + 1}`).join('\n'));
    await shoot('75-composer-14');
    if (!phone) {
      await article(page, 'Are we still on').hover();
      await article(page, 'Are we still on').getByRole('button', { name: 'Reply' }).click();
    }
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Attach files' }).click()]);
    await chooser.setFiles(
      ['a photo with quite a long name.txt', 'b.pdf', 'c.zip', 'd.html', 'e'].map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from('x') })),
    );
    await field.fill('x'.repeat(1900));
    await shoot('75-composer-near');
    await field.fill('x'.repeat(2100));
    await shoot('75-composer-over');
    await field.fill('');
    const remove = page.getByRole('button', { name: /^Remove/ });
    while ((await remove.count()) > 0) await remove.first().click();
    await field.focus();
    if (!phone) await page.keyboard.press('Escape');
  }

  async function scroll1(page) {
    await page.locator('[role=log]').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.waitForTimeout(200);
  }

  /** A quote in an own bubble and a mention of what is chosen, in every accent and both themes. */
  async function accents() {
    const { page, context } = await visit(browser, (await app.again()).url);
    const chosen = async (name) => page.getByText(name, { exact: true }).click();
    await row(page, 'Boris Winter').first().waitFor();
    for (const theme of ['Ink', 'Paper']) {
      for (const accent of [...ACCENTS].reverse()) {
        await page.keyboard.press('Control+,');
        await page.getByRole('button', { name: 'Appearance' }).click();
        await chosen(theme);
        await chosen(accent);
        await page.getByRole('button', { name: 'Back' }).first().click();
        if (!(await page.locator('[role=log]').count())) await row(page, 'Are we still on').click();
        await page.locator('[role=log]').evaluate((box) => box.scrollTo(0, 0));
        const quote = article(page, 'That was kind of him');
        await quote.waitFor();
        await page.waitForTimeout(150);
        await quote.screenshot({ path: join(folder, `90-quote-${theme.toLowerCase()}-${accent.toLowerCase()}.png`) });
      }
    }
    const grey = await context.newCDPSession(page);
    await grey.send('Emulation.setEmulatedVisionDeficiency', { type: 'achromatopsia' });
    await page.screenshot({ path: join(folder, '91-grey.png') });
    await context.close();
  }
}
