// Draws icon.svg in the sizes that cannot be vectors: `node scripts/app-icons.mjs`, with Chromium
// at CHROMIUM or /usr/bin/chromium.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const at = (name) => fileURLToPath(new URL(`../public/${name}`, import.meta.url));
const svg = readFileSync(at('icon.svg'), 'utf8').replace('rx="8"', '');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const side of [192, 512]) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${side}px}</style>${svg}`);
  await page.screenshot({ path: at(`icon-${side}.png`) });
  await page.close();
}
await browser.close();
