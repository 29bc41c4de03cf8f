// What the window costs: `npm run measure [-- <folder>]`, against the built program, a private
// network and an account with three conversations of 100 000 messages (`MESSAGES=<count>` for
// others). Prints a table; with a folder, puts the figures and a trace of typing there.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';

import { blank, launch } from '../e2e/pages.mjs';
import { endAll, SESSION } from '../e2e/programs.mjs';
import { watch } from './inside.mjs';
import { frames, median, part, round, several } from './numbers.mjs';
import { sizes } from './sizes.mjs';
import { PASSPHRASE, PEOPLE, protect, stage } from './stage.mjs';
import { beginTrace, endTrace, packTrace, readTrace } from './trace.mjs';

const COUNT = Number(process.env.MESSAGES ?? 100_000);
const KEYS = 200;
const SLOW = 4;

const folder = process.argv[2];
const figures = {
  program: SESSION,
  messages: COUNT,
  processors: cpus().length,
  load_at_start: loadavg().map((load) => round(load, 2)),
  size: sizes(),
};
const say = (words) => process.stderr.write(`${words}\n`);

let browser;
let set;

/** Starts the program and shows its window in a browser that runs already. */
async function start() {
  const shown = await blank(browser, { reducedMotion: 'no-preference', script: watch });
  const { page, context } = shown;
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
  const cdp = await context.newCDPSession(page);
  const began = Date.now();
  const link = await set.anna.start();
  const printed = Date.now() - began;
  await page.goto(link.url);
  const times = await page.evaluate(async () => {
    const list = await globalThis.measuring.ready;
    const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    return { origin: performance.timeOrigin, paint, list: list?.first ?? paint };
  });
  const page_began = times.origin - began;
  return {
    ...shown,
    cdp,
    faults,
    times: {
      link_printed: printed,
      page_began,
      first_paint: page_began + times.paint,
      list: page_began + times.list,
    },
    slow: (rate) => cdp.send('Emulation.setCPUThrottlingRate', { rate }),
  };
}

async function stop() {
  const { child } = set.anna;
  child.removeAllListeners('exit');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** From the command to what is seen; the last program and window stay. */
async function starting(times) {
  const runs = [];
  for (let run = 1; ; run += 1) {
    const shown = await start();
    runs.push(shown.times);
    if (run === times) {
      figures.start = several(runs);
      return shown;
    }
    await shown.context.close();
    await stop();
  }
}

const click = (page, ...args) =>
  page.evaluate((given) => globalThis.measuring.click(...given), args);
const chat = (page, name) => click(page, 'nav a', name, 'chat', name);

/** Shows the account with the large conversations, whichever the program has shown. */
async function home({ page }) {
  await page.getByRole('button', { name: 'Anna', exact: true }).click();
}

async function opening({ page, slow }) {
  figures.open_first = {};
  // The first opening of each since the program was started.
  for (const name of PEOPLE) figures.open_first[name] = rounded(await chat(page, name));
  for (const rate of [1, SLOW]) {
    await slow(rate);
    const runs = [];
    for (let run = 0; run < 15; run += 1) runs.push(await chat(page, PEOPLE[run % PEOPLE.length]));
    figures[`open_again_${rate}x`] = several(runs);
  }
  await slow(1);
  figures.open_nodes = await page.evaluate(() => document.querySelectorAll('*').length);
}

const rounded = (fields) => Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, round(value)]));

/** Turns the wheel over the messages, one notch in each frame. */
async function wheel(cdp, distance) {
  const gesture = { x: 800, y: 400, yDistance: distance, speed: 3600, gestureSourceType: 'mouse' };
  await cdp.send('Input.synthesizeScrollGesture', gesture);
}

async function scrolling({ page, slow, cdp }) {
  await chat(page, PEOPLE[0]);
  for (const rate of [1, SLOW]) {
    await slow(rate);
    await page.evaluate(() => globalThis.measuring.begin());
    const looking = page.evaluate(() => globalThis.measuring.scrolled(30));
    await wheel(cdp, 36_000);
    const result = await looking;
    const kept = await page.evaluate(() => globalThis.measuring.end());
    figures[`scroll_${rate}x`] = { ...frames(kept.frames), ...result, longest_task: Math.max(0, ...kept.long) };
  }
  await slow(1);
}

async function typing({ page, slow }) {
  await chat(page, PEOPLE[1]);
  await chat(page, PEOPLE[0]);
  for (const rate of [1, SLOW]) {
    await slow(rate);
    await page.locator('#composer').focus();
    await page.waitForTimeout(1000);
    await beginTrace(browser, page);
    await page.evaluate(() => globalThis.measuring.begin(false));
    const words = 'the train leaves at nine and we should be there early ';
    for (let key = 0; key < KEYS; key += 1) {
      const letter = words[key % words.length];
      await page.keyboard.press(letter === ' ' ? 'Space' : letter);
      await page.waitForTimeout(60);
    }
    await page.waitForTimeout(500);
    const { keys } = await page.evaluate(() => globalThis.measuring.end());
    const events = await endTrace(browser);
    figures[`typing_${rate}x`] = {
      keys: keys.length,
      to_glyph_p50: round(median(keys)),
      to_glyph_p99: round(part(keys, 0.99)),
      to_glyph_worst: round(Math.max(...keys)),
      ...readTrace(events),
    };
    if (folder) writeFileSync(join(folder, `typing-${rate}x.json.gz`), packTrace(events));
    await page.locator('#composer').fill('');
    await page.waitForTimeout(500);
  }
  await slow(1);
}

/** Messages that are all there at once: the program is held while they are sent. */
/** A conversation that was left further up is at its end again. */
async function toEnd(page) {
  const jump = page.getByRole('button', { name: /^To the newest message/ });
  if (await jump.isVisible()) await jump.click();
  await page.waitForFunction(() => {
    const box = document.querySelector('[role=log]');
    return box.scrollHeight - box.clientHeight - box.scrollTop < 2;
  });
}

async function burst({ page, slow }, count, rate) {
  const { theirs, people, home: to, anna } = set;
  await chat(page, PEOPLE[1]);
  await chat(page, PEOPLE[0]);
  await toEnd(page);
  await slow(rate);
  const since = theirs.told.length;
  anna.child.kill('SIGSTOP');
  const last = `${count} at ${rate}: this was all`;
  try {
    for (let number = 1; number <= count; number += 1) {
      const text = number === count ? last : `Number ${number} of many, ${'and so on '.repeat(number % 9)}`;
      await theirs.call('messages.send', { account: people[0], to, text });
    }
    await theirs.until((frame) => frame.method === 'message.sent', count, since);
  } finally {
    await page.evaluate(() => globalThis.measuring.begin());
    anna.child.kill('SIGCONT');
  }
  const kept = await page.evaluate(async (text) => {
    const box = document.querySelector('[role=log]');
    const there = () => [...box.querySelectorAll('[data-bubble]')].some((one) => one.textContent.includes(text));
    for (const give = performance.now() + 60_000; !there() && performance.now() < give; ) {
      await new Promise((done) => requestAnimationFrame(done));
    }
    const shown = performance.now();
    await new Promise((done) => setTimeout(done, 500));
    return { ...globalThis.measuring.end(), shown, there: there() };
  }, last);
  await slow(1);
  if (!kept.there) throw new Error('the last message did not come');
  const first = kept.diffs[0];
  const during = kept.frames.filter((at) => at > first - 50 && at < kept.shown + 500);
  figures[`burst_${count}_${rate}x`] = {
    diffs: kept.diffs.length,
    from_first_diff_to_last_shown: round(kept.shown - first),
    ...frames(during),
    longest_task: Math.max(0, ...kept.long),
  };
}

async function memory({ page, cdp }) {
  for (const name of PEOPLE) {
    await chat(page, name);
    await wheel(cdp, 18_000);
  }
  await cdp.send('HeapProfiler.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  const program = readFileSync(`/proc/${set.anna.child.pid}/status`, 'utf8');
  figures.memory = {
    heap_mb: round(of('JSHeapUsedSize') / 1e6),
    nodes: of('Nodes'),
    elements: await page.evaluate(() => document.querySelectorAll('*').length),
    listeners: of('JSEventListeners'),
    renderer_mb: await renderer(),
    program_mb: round(Number(/VmRSS:\s+(\d+)/.exec(program)[1]) / 1024),
  };
}

/** What the page's process alone holds. */
async function renderer() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const sizes = processInfo
    .filter((process) => process.type === 'renderer')
    .map(({ id }) => Number(/Private_Dirty:\s+(\d+)/.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))[1]) / 1024);
  return round(Math.max(...sizes));
}

async function idling({ page, cdp }) {
  await chat(page, PEOPLE[0]);
  await page.waitForTimeout(3000);
  const busy = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find((metric) => metric.name === 'TaskDuration').value;
  };
  const before = await busy();
  await page.waitForTimeout(20_000);
  figures.idle = { busy_percent: round(((await busy()) - before) * 5, 3) };
}

async function accounts({ page, slow }) {
  await page.getByRole('navigation', { name: 'Accounts' }).waitFor();
  for (const rate of [1, SLOW]) {
    await slow(rate);
    const runs = [];
    for (let run = 0; run < 10; run += 1) {
      await chat(page, PEOPLE[0]);
      runs.push(await click(page, '.rail button', 'at work', 'list', 'Boris'));
      runs.push(await click(page, '.rail button[aria-label="Anna"]', 'Anna', 'list', 'Boris'));
    }
    figures[`switch_${rate}x`] = several(runs);
  }
  await slow(1);
}

async function locking({ page }) {
  const runs = [];
  for (let run = 0; run < 4; run += 1) {
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    const unlocked = await click(page, 'button', 'Unlock', 'list', 'Boris');
    const opened = await chat(page, PEOPLE[0]);
    const asked = page.evaluate(() => {
      const start = performance.now();
      return globalThis.measuring.still(start, 'locked');
    });
    await page.keyboard.press('Alt+Shift+L');
    runs.push({ lock: (await asked).first, unlock: unlocked.first, open: opened.settled });
  }
  figures.lock = several(runs);
}

/** One line for each figure. */
function table() {
  const lines = [];
  for (const [name, value] of Object.entries(figures)) {
    if (typeof value !== 'object' || Array.isArray(value)) {
      lines.push(`${name.padEnd(20)} ${value}`);
      continue;
    }
    const fields = Object.entries(value).map(([field, one]) =>
      typeof one === 'object' ? `${field} ${Object.values(one).join('/')}` : `${field} ${one}`,
    );
    lines.push(`${name.padEnd(20)} ${fields.join(', ')}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (folder) mkdirSync(folder, { recursive: true });
try {
  say(`filling: three conversations of ${COUNT} messages`);
  set = await stage(COUNT);
  say(set.filled);
  browser = await launch();
  say('starting');
  const shown = await starting(7);
  await home(shown);
  for (const [name, work] of Object.entries({ opening, scrolling, typing })) {
    say(name);
    await work(shown);
  }
  for (const [count, rate] of [[50, 1], [500, 1], [50, SLOW], [500, SLOW]]) {
    say(`burst of ${count}, ${rate} times slower`);
    await burst(shown, count, rate);
  }
  for (const [name, work] of Object.entries({ memory, idling, accounts })) {
    say(name);
    await work(shown);
  }
  figures.faults = shown.faults.length;
  for (const fault of shown.faults) say(fault);
  await shown.context.close();
  await stop();
  say('locking');
  await protect(set);
  const locked = await start();
  // Whichever is not shown is the one that is locked.
  const other = locked.page.locator('.rail li button:not(.current)');
  if ((await locked.page.getByLabel('Passphrase', { exact: true }).count()) === 0) await other.click();
  await locking(locked);
} finally {
  figures.load_at_end = loadavg().map((load) => round(load, 2));
  await browser?.close();
  await endAll();
  set?.anna.remove();
  set?.others.remove();
  table();
  if (folder) writeFileSync(join(folder, 'window.json'), `${JSON.stringify(figures, null, 2)}\n`);
}
