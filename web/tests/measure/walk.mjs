// What a newcomer waits for after the build: `node tests/measure/walk.mjs`. Starts `session demo`,
// opens both windows with the links it prints, writes in one and waits for it in the other.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { bubble, launch, row, visit } from '../e2e/pages.mjs';
import { SESSION } from '../e2e/programs.mjs';

const LINK = /^\s+(\w+)\s+(http:\/\/127\.0\.0\.1:\d+\/#\S+)$/;

const began = Date.now();
const steps = [];
const step = (words) => steps.push(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${words}`);

const demo = spawn(SESSION, ['demo', '--no-browser'], { stdio: ['ignore', 'pipe', 'ignore'] });
const links = await new Promise((resolve, reject) => {
  const found = [];
  demo.once('exit', () => reject(new Error('the demo ended')));
  createInterface({ input: demo.stdout }).on('line', (line) => {
    const link = LINK.exec(line)?.[2];
    if (link && found.push(link) === 2) resolve(found);
  });
});
step('the story is told, both links are printed');

const browser = await launch();
try {
  const [alice, bob] = await Promise.all(links.map((link) => visit(browser, link)));
  await row(alice.page, 'Bob').click();
  await row(bob.page, 'Alice').click();
  await Promise.all([alice, bob].map(({ page }) => page.locator('#composer').waitFor()));
  step('both windows show the conversation');
  await alice.page.locator('#composer').fill('Hello from the window');
  await alice.page.locator('#composer').press('Enter');
  const sent = Date.now();
  await bubble(bob.page, 'Hello from the window').waitFor();
  step(`Bob's window shows what Alice wrote, ${Date.now() - sent} ms after Enter`);
} finally {
  await browser.close();
  const gone = new Promise((resolve) => demo.once('exit', resolve));
  demo.kill('SIGTERM');
  await gone;
}
process.stdout.write(`${steps.join('\n')}\n`);
