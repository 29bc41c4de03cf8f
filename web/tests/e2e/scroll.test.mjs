// What is read stays where it is, whatever comes, goes and changes around it.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { bubble, row, send, visit } from './pages.mjs';
import { twoPrograms } from './pair.mjs';
import { Rpc } from './rpc.mjs';

const MESSAGES = 180;

let boris;
let annaId;
let borisId;
let anna;
/** How often more of a conversation was asked for. */
let asked = 0;

const words = (number) => `Line ${number} ${'and so on '.repeat(number % 23)}`;
const say = (text) => boris.call('messages.send', { account: borisId, to: annaId, text });

/** Boris keeps writing, so his program is no window. */
const two = twoPrograms(async ({ net, annaApp, borisApp }) => {
  boris = new Rpc(borisApp.folder, net);
  const own = new Rpc(annaApp.folder, net);
  await Promise.all([own.call('hello', { version: 1 }), boris.call('hello', { version: 1 })]);
  [annaId, borisId] = [await own.account('Anna'), await boris.account('Boris')];
  await own.account('Anna at work');
  const came = (frame) => frame.method === 'message.received' && !frame.params.message.mine;
  await own.call('messages.send', { account: annaId, to: borisId, text: 'Tell me all' });
  await boris.until(came);
  await own.call('messages.send', { account: annaId, to: annaId, text: 'Tea is out' });
  for (let number = 1; number <= MESSAGES; number += 1) await say(words(number));
  await own.until(came, MESSAGES);
  await own.call('conversations.mark_read', { account: annaId, conversation: borisId });
  await own.end();
  await annaApp.start();
});

/** The button of an account; what is unread may be part of its name. */
const account = (name) => anna.page.getByRole('navigation', { name: 'Accounts' }).getByRole('button', { name });
const HOME = /Anna(?! at work)/;

const toTheEnd = () =>
  anna.page.evaluate(() => {
    const box = document.querySelector('[role=log]');
    return Math.round(box.scrollHeight - box.clientHeight - box.scrollTop);
  });

/** Scrolls to a place, as far from the beginning of what is loaded or from its end as is said, or
 * nowhere, and from then on notes where the first line in full view is, frame by frame. */
function read(place) {
  return anna.page.evaluate(async ({ fromStart, fromEnd }) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const box = document.querySelector('[role=log]');
    const before = box.scrollHeight;
    if (fromStart !== undefined) box.scrollTop = fromStart;
    else if (fromEnd !== undefined) box.scrollTop = before - box.clientHeight - fromEnd;
    await frame();
    await frame();
    const edge = box.getBoundingClientRect().top;
    const line = [...box.querySelectorAll('[role=article]')].find((item) => item.getBoundingClientRect().top >= edge);
    const key = `[data-item="${CSS.escape(line.dataset.item)}"]`;
    const noted = { key, tops: new Set(), before, on: true };
    globalThis.noted = noted;
    void (async () => {
      for (; noted.on; await frame()) {
        noted.tops.add(Math.round(document.querySelector(key)?.getBoundingClientRect().top ?? NaN));
      }
    })();
    return Number(line.dataset.message);
  }, place);
}

/** The view is away from the end, and has been at the same place for twenty frames. */
const standsStill = () =>
  anna.page.evaluate(async () => {
    const box = document.querySelector('[role=log]');
    for (let still = 0, last = NaN; still < 20; await new Promise((done) => requestAnimationFrame(done))) {
      const away = box.scrollHeight - box.clientHeight - box.scrollTop > 300;
      still = away && box.scrollTop === last ? still + 1 : 0;
      last = box.scrollTop;
    }
  });

/** Older messages have come above. */
const grown = () =>
  anna.page.waitForFunction(() => document.querySelector('[role=log]').scrollHeight > globalThis.noted.before + 500);

/** Where that line was since then. */
const places = () =>
  anna.page.evaluate(() => {
    globalThis.noted.on = false;
    return [...globalThis.noted.tops];
  });

/** What another window of the program does. */
function call(method, params) {
  return anna.page.evaluate(
    (asked) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${location.host}/api`);
        const put = (value) => socket.send(JSON.stringify(value));
        socket.onopen = () => {
          put({ key: sessionStorage.getItem('key') });
          put({ jsonrpc: '2.0', id: 1, method: 'hello', params: { version: 1 } });
          put({ jsonrpc: '2.0', id: 2, ...asked });
        };
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.id !== 2) return;
          socket.close();
          if (frame.error) reject(new Error(frame.error.message));
          else resolve(frame.result);
        };
      }),
    { method, params },
  );
}

describe('a conversation', () => {
  before(async () => {
    anna = await visit(two.browser, two.annaApp.link.url);
    anna.page.setDefaultTimeout(60_000);
    await account(HOME).click();
    const client = await anna.context.newCDPSession(anna.page);
    await client.send('Network.enable');
    client.on('Network.webSocketFrameSent', ({ response }) => {
      if (response.payloadData.includes('"timeline.more"')) asked += 1;
    });
    await row(anna.page, 'Boris').click();
    await bubble(anna.page, `Line ${MESSAGES} `).waitFor();
  });

  it('does not move while older messages load, five arrive and one above vanishes', async () => {
    const { page } = anna;
    const before = asked;
    const reading = await read({ fromStart: 1000 });
    await grown();
    for (let number = 1; number <= 5; number += 1) await say(`News ${number}`);
    await page.getByRole('button', { name: /, 5 new$/ }).waitFor();
    const all = await call('messages.list', { account: annaId, conversation: borisId, limit: MESSAGES });
    const above = all.messages.filter((message) => message.message_id < reading).at(-3);
    await call('messages.delete', { account: annaId, message_id: above.message_id, scope: 'this_device' });
    await page.waitForFunction((id) => !document.querySelector(`[data-message="${id}"]`), above.message_id);
    assert.equal((await places()).length, 1, 'the line that is read stays');
    assert.ok(asked - before <= 2, `older messages were asked for ${asked - before} times`);
  });

  it('goes to the end when something is sent', async () => {
    await send(anna.page, 'I have read it');
    await anna.page.waitForFunction(() => {
      const box = document.querySelector('[role=log]');
      return box.scrollHeight - box.clientHeight - box.scrollTop < 2;
    });
  });

  it('follows what comes while the end is in view, and not from further up', async () => {
    const { page } = anna;
    await say('This is followed');
    await bubble(page, 'This is followed').waitFor();
    await page.waitForFunction(() => {
      const box = document.querySelector('[role=log]');
      return box.scrollHeight - box.clientHeight - box.scrollTop < 2;
    });
    await read({ fromEnd: 100 });
    await say('This is not');
    await page.getByRole('button', { name: /, 1 new$/ }).waitFor();
    assert.equal((await places()).length, 1, 'the line that is read stays');
    assert.ok((await toTheEnd()) >= 100);
  });

  it('is kept up to date after another one was shown, and loads while it is scrolled', async () => {
    const { page } = anna;
    await row(page, 'Note to Self').click();
    await bubble(page, 'Tea is out').waitFor();
    await call('messages.send', { account: annaId, to: annaId, text: 'Sugar is out' });
    await bubble(page, 'Sugar is out').waitFor();
    await row(page, 'Boris').click();
    await page.getByRole('log', { name: /Boris/ }).waitFor();
    await page.locator('[role=log]').hover();
    // From the moment it is there, as far as it goes.
    await page.waitForFunction(
      () => {
        document.querySelector('[role=log]').dispatchEvent(new WheelEvent('wheel', { bubbles: true }));
        document.querySelector('[role=log]').scrollBy(0, -1500);
        return [...document.querySelectorAll('[role=article]')].some((item) => item.textContent.includes('Tell me all'));
      },
      null,
      { polling: 'raf' },
    );
    await page.getByRole('button', { name: /^To the newest message/ }).click();
    await say('Still there?');
    await bubble(page, 'Still there?').waitFor();
    assert.deepEqual(anna.faults, []);
  });

  it('is where it was, with its draft, after another account was shown', async () => {
    const { page } = anna;
    await page.locator('#composer').fill('Half a sentence');
    // With something unread it would open there.
    await page.waitForFunction(() => document.title === 'Session');
    await page.locator('[role=log]').hover();
    await page.mouse.wheel(0, -700);
    await standsStill();
    await read({});
    const [top] = await places();
    await account('Anna at work').click();
    await page.getByRole('log').waitFor({ state: 'detached' });
    await row(page, 'Boris').waitFor({ state: 'detached' });
    await account(HOME).click();
    await page.getByRole('log', { name: /Boris/ }).waitFor();
    await page.waitForFunction((wanted) => {
      const shown = document.querySelector(globalThis.noted.key)?.getBoundingClientRect().top;
      return shown !== undefined && Math.abs(shown - wanted) <= 1;
    }, top);
    await page.waitForFunction(() => document.querySelector('#composer')?.value === 'Half a sentence');
    assert.deepEqual(anna.faults, []);
  });
});
