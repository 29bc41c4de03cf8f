// A picture of every screen, in two sizes and two themes: `npm run screenshots -- <folder>`. With
// `screens` or `hard` behind it: only the screens, or only what is hard to show.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { hard } from './hard.mjs';
import { article, bubble, create, launch, openNew, ownId, row, send, visit } from './pages.mjs';
import { App, endAll, network } from './programs.mjs';

const [folder = 'screenshots', only] = process.argv.slice(2);
const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const PASSPHRASE = 'correct horse battery staple';

mkdirSync(folder, { recursive: true });
const apps = [];
let browser;
try {
  const net = await network();
  browser = await launch();
  const variants = Object.entries(SIZES).flatMap(([size, viewport]) =>
    ['light', 'dark'].map((theme) => {
      const phone = size === 'phone';
      return { size, theme, options: { viewport, colorScheme: theme, isMobile: phone, hasTouch: phone } };
    }),
  );
  if (only !== 'hard') await everyScreen(net, variants);
  if (only !== 'screens') await hard({ browser, net, folder, variants });
} finally {
  await browser?.close();
  await endAll();
  for (const app of apps) app.remove();
}

async function everyScreen(net, variants) {
  const [anna, boris, empty] = (apps.push(new App(net), new App(net), new App(net)), apps);
  await Promise.all(apps.map((app) => app.start()));
  await talk(anna, boris);
  for (const { size, theme, options } of variants) {
    const shoot = (page) => async (name) => {
      await page.waitForTimeout(350);
      await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`) });
    };
    await onboarding(empty, options, shoot);
    await screens(anna, options, size === 'phone', shoot);
  }
  await arabic(anna, SIZES);
}

/** Something to look at: a conversation, a request, notes, a picture, a failed message. */
async function talk(annaApp, borisApp) {
  const anna = await visit(browser, annaApp.link.url);
  const boris = await visit(browser, borisApp.link.url);
  await create(anna.page, 'Anna Petrova', PASSPHRASE);
  await create(boris.page, 'Boris');
  const borisId = await ownId(boris.page);
  await openNew(anna.page, await ownId(anna.page));
  await send(anna.page, 'Passport number, renew in May');
  await openNew(anna.page, borisId);
  await send(anna.page, 'Good morning. Did the parcel come? I asked them to leave it with the neighbour, but you never know with these people, so better ring first.');
  await boris.page.getByRole('button', { name: '1 message request' }).click();
  await boris.page.getByRole('button', { name: /Anna Petrova/ }).click();
  await boris.page.getByRole('button', { name: 'Accept' }).click();
  await send(boris.page, 'It did. See https://example.org/parcel');
  await send(boris.page, 'The **blue** one, not the *green* one', 'The blue one');
  await bubble(anna.page, 'The blue one').waitFor();
  await article(anna.page, 'It did').first().hover();
  await article(anna.page, 'It did').getByRole('button', { name: 'Reply' }).click();
  await send(anna.page, 'Thank you!');
  await article(anna.page, 'The blue one').focus();
  await anna.page.keyboard.press('e');
  await anna.page.getByRole('dialog', { name: 'Emoji' }).getByRole('button', { name: '❤️' }).click();
  for (const count of [1, 3]) {
    const [chooser] = await Promise.all([
      boris.page.waitForEvent('filechooser'),
      boris.page.getByRole('button', { name: 'Attach files' }).click(),
    ]);
    const pictures = [];
    for (let number = 0; number < count; number += 1) pictures.push(await picture(boris.page, number));
    await chooser.setFiles(count === 1 ? pictures : [...pictures, { name: 'score of the spring concert.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(180_000, 7) }]);
    await boris.page.getByRole('button', { name: 'Send', exact: true }).click();
  }
  await send(boris.page, '🎉');
  await bubble(anna.page, '🎉').waitFor({ timeout: 90_000 });
  await anna.page.getByRole('button', { name: 'Record voice message' }).click();
  await anna.page.locator('[data-region=composer]').getByText('0:02').waitFor();
  await anna.page.getByRole('button', { name: 'Send recording' }).click();
  await anna.page.getByRole('slider', { name: 'Voice message' }).waitFor();
  await send(anna.page, 'Are we still on for Friday?');
  await article(anna.page, 'Are we still on').getByText('Sent').waitFor({ state: 'attached' });
  await Promise.all([anna.context.close(), boris.context.close()]);
}

/** A picture drawn by the browser. */
async function picture(page, number) {
  const data = await page.evaluate(async (turn) => {
    const canvas = new OffscreenCanvas(1200, 800);
    const context = canvas.getContext('2d');
    const sky = context.createLinearGradient(0, 0, 1200, 800);
    sky.addColorStop(0, `hsl(${200 + turn * 60} 60% 70%)`);
    sky.addColorStop(1, `hsl(${20 + turn * 60} 70% 60%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 1200, 800);
    context.fillStyle = 'rgb(255 255 255 / .5)';
    context.arc(800 - turn * 150, 300, 140, 0, 7);
    context.fill();
    const blob = await canvas.convertToBlob({ type: 'image/png' });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  }, number);
  return { name: `view ${number + 1}.png`, mimeType: 'image/png', buffer: Buffer.from(data) };
}

async function onboarding(app, options, shooter) {
  const { page, context } = await visit(browser, (await app.again()).url, options);
  const shoot = shooter(page);
  await page.getByRole('button', { name: 'Create account' }).waitFor();
  await shoot('01-welcome');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Display name').fill('Anna');
  await shoot('02-name');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('A passphrase').click();
  await shoot('03-protect');
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('button', { name: 'I have an account' }).click();
  await page.getByLabel('Recovery Password').fill('abbey acidic adept xylofone ');
  await page.getByText(/Word .?4/).waitFor();
  await shoot('04-restore');
  await context.close();
  const refused = await visit(browser, `${new URL(app.link.url).origin}/`, options);
  await refused.page.getByText('fresh link').waitFor();
  await shooter(refused.page)('05-refused');
  await refused.context.close();
}

async function screens(app, options, phone, shooter) {
  const { page, context } = await visit(browser, (await app.again()).url, options);
  const shoot = shooter(page);
  const back = () => page.getByRole('button', { name: /^(Back|Close)/ }).first().click();
  await row(page, 'Boris').waitFor();
  await shoot('10-home');
  await row(page, 'Boris').click();
  await page.locator('[role=log] img').first().waitFor({ state: 'attached' });
  await shoot('11-chat');
  await page.locator('[role=log]').evaluate((box) => box.scrollTo(0, 0));
  await shoot('12-chat-begin');
  if (!phone) {
    await article(page, 'It did').first().locator('[data-bubble]').click({ button: 'right' });
    await shoot('13-menu');
    await page.keyboard.press('Escape');
  }
  await page.getByRole('button', { name: 'Emoji' }).click();
  await page.getByRole('tab', { name: 'Smileys' }).click();
  await shoot('14-emoji');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  await shoot('15-info');
  await page.getByRole('complementary').getByRole('button', { name: 'Change' }).click();
  await page.getByText('After reading').click();
  await shoot('16-timer');
  await back();
  if (phone) await back();
  else await page.keyboard.press('Escape');
  await page.locator('[role=log] img').first().click();
  await page.getByRole('dialog').locator('img').waitFor();
  await shoot('17-viewer');
  await page.keyboard.press('Escape');
  if (phone) await back();
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByLabel('Account ID', { exact: true }).fill('05a1b2');
  await shoot('18-new');
  await back();
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByRole('searchbox').fill('parcel');
  await page.getByRole('button', { name: /Did the parcel come/ }).waitFor();
  await shoot('19-search');
  await back();
  await page.getByRole('button', { name: 'Menu' }).click();
  await shoot('20-main-menu');
  await page.getByRole('menuitem', { name: 'Settings' }).click();
  const pages = ['Account', 'Recovery Password', 'Privacy', 'Notifications', 'Chats', 'Blocked people', 'Appearance', 'Storage', 'Network', 'Shortcuts', 'Help', 'About'];
  await page.getByRole('navigation', { name: 'Settings' }).waitFor();
  await shoot('21-settings');
  for (const [index, name] of pages.entries()) {
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('button', { name, exact: true }).click();
    await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
    await shoot(`${30 + index}-${name.toLowerCase().replace(/ /g, '-')}`);
    if (phone) await back();
  }
  if (!phone) {
    await page.keyboard.press('Alt+Shift+L');
    await page.getByRole('heading', { name: 'Locked' }).waitFor();
    await shoot('50-lock');
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByRole('navigation', { name: 'Settings' }).waitFor();
  }
  await context.close();
}

/** Back to the list, one screen at a time. */
async function home(page) {
  const boris = row(page, 'Boris');
  while (!(await boris.isVisible())) {
    await page.keyboard.press('Escape');
    await boris.waitFor({ timeout: 1000 }).catch(() => {});
  }
}

async function arabic(app, sizes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    const { page, context } = await visit(browser, (await app.again()).url, { viewport });
    await row(page, 'Boris').waitFor();
    await page.keyboard.press('Control+,');
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('button', { name: 'Appearance' }).click();
    await page.getByText('العربية').click();
    await page.locator('html[dir=rtl]').waitFor();
    await page.screenshot({ path: join(folder, `60-arabic-settings-${size}.png`) });
    await home(page);
    await row(page, 'Boris').click();
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `61-arabic-chat-${size}.png`) });
    await page.keyboard.press('Control+,');
    await page.getByRole('navigation').first().waitFor();
    await page.getByRole('button', { name: 'المظهر' }).click();
    await page.getByText('English').click();
    await page.locator('html[dir=ltr]').waitFor();
    await page.waitForTimeout(500);
    await context.close();
  }
}
