// Pages in a browser, watched: whatever they should not do is remembered.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A browser; `film` is what its camera shows. */
export function launch({ film } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      ...(film ? [`--use-file-for-fake-video-capture=${film}`] : []),
      // A page given by the test comes from no address, and may not speak to this computer.
      ...(process.env.PAGE ? ['--disable-features=LocalNetworkAccessChecks'] : []),
    ],
  });
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** `PAGE=<folder>`: shows a build of the page that is not in the program yet. */
async function instead(context) {
  const folder = process.env.PAGE;
  if (!folder) return;
  await context.route(/^[^?]*127\.0\.0\.1:\d+\/(assets\/[^/]*|icon\.svg)?$/, async (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = path === '/' ? '/index.html' : path;
    const headers = path === '/' ? (await route.fetch()).headers() : {};
    headers['content-type'] = TYPES[extname(file)] ?? 'application/octet-stream';
    await route.fulfill({ body: readFileSync(join(folder, file)), headers });
  });
}

/** A browser of its own with an empty page. A `script` runs in what it opens before anything else. */
export async function blank(browser, { script, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
    colorScheme: 'light',
    ...options,
  });
  await context.grantPermissions(['microphone', 'clipboard-read', 'clipboard-write']);
  await instead(context);
  if (script) await context.addInitScript(script);
  return { context, page: await context.newPage() };
}

/** A page of its own, opened with a link. `faults` lists what it should not have done. */
export async function visit(browser, link, options = {}) {
  const { context, page } = await blank(browser, options);
  // The browser takes a moment to hand dialogs for files over: before any is opened.
  page.on('filechooser', () => {});
  const faults = [];
  const host = new URL(link).host;
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') faults.push(`console: ${line.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'blob:' && url.host !== host) faults.push(`request to ${url.host}`);
  });
  page.setDefaultTimeout(20_000);
  await page.goto(link);
  return { page, context, faults };
}

/** Goes through creating an account. */
export async function create(page, name, passphrase) {
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Display name').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
  if (passphrase) {
    await page.getByText('A passphrase').click();
    await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
    await page.getByLabel('The same again').fill(passphrase);
  } else {
    await page.getByText('A file, without the keyring').click();
  }
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'You are ready' }).waitFor();
}

/** The Account ID the page shows. */
export async function ownId(page) {
  const shown = await page.getByRole('button', { name: 'Copy Account ID' }).first().innerText();
  return /05[0-9a-f]{64}/.exec(shown.replace(/\s/g, ''))?.[0] ?? shown;
}

export async function openNew(page, id) {
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByLabel('Account ID', { exact: true }).fill(id);
  await page.getByRole('button', { name: 'Write', exact: true }).click();
  await page.locator('#composer').waitFor();
}

/** Sends a text and waits until it is shown. */
export async function send(page, text, shown = text) {
  await page.locator('#composer').fill(text);
  await page.locator('#composer').press('Enter');
  await bubble(page, shown).last().waitFor();
}

export const bubble = (page, text) => page.locator('[data-bubble]').filter({ hasText: text });
export const article = (page, text) => page.getByRole('article').filter({ hasText: text });
export const row = (page, name) => page.locator('nav a').filter({ hasText: name });

/** Serious findings of axe about what is on the page now. */
export async function findings(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} ${node.failureSummary?.slice(0, 300) ?? ''}`));
}

/** What sticks out of the window at the side. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
