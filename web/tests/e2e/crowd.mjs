// People who write what is hard to show: long and odd names, huge texts, many pictures.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { painted } from './png.mjs';
import { App } from './programs.mjs';
import { Rpc } from './rpc.mjs';

const LONG_NAME = 'Maximiliana Konstantinowna Oberhauser-Hohenlinden von Falken';
const PEOPLE = {
  boris: 'Boris Winter',
  twin: 'Boris Winter',
  gallery: 'Galina',
  long: LONG_NAME,
  arabic: 'ليلى المنصوري',
  turned: 'Anton\u202Egnp.exe',
  zalgo: 'Z\u0337\u0322\u031B\u0315\u0348\u0336\u0311\u0302a\u0337\u0348\u034D\u0310\u0302\u0300l\u0336\u0358\u0334\u0316\u0301go',
  unseen: '\u3164\u200B',
  note: 'Note to Self',
  lookalike: 'Gаlina',
  fox: '🦊',
  blocked: 'Viktor',
  stranger: 'Dmitri',
  reader: 'Nadia',
};
const ARABIC = 'صباح الخير! هل وصلت الرسالة؟';

/** A picture of a sky; `turn` changes its colours. */
function sky(width, height, turn) {
  return painted(width, height, (x, y) => {
    const across = x / width;
    const down = y / height;
    const sun = (x - width * 0.7) ** 2 + (y - height * 0.4) ** 2 < (Math.min(width, height) * 0.2) ** 2;
    const wave = (part) => Math.round(150 + 90 * Math.sin(part + turn * 1.7));
    const color = [wave(across * 2), wave(down * 2 + 2), wave(across + down + 4)];
    return sun ? color.map((part) => Math.min(255, part + 50)) : color;
  });
}

const file = (name, mime, content) => ({ name, mime, content: content.toString('base64') });
const view = (width, height, turn) => file(`view ${turn}.png`, 'image/png', sky(width, height, turn));

/** Makes everything, and gives Anna's program with her data, not started yet. */
export async function crowd(net) {
  const [app, others] = [new App(net), new App(net)];
  let anna = new Rpc(app.folder, { ...net, files: `http://127.0.0.1:9#58${'66'.repeat(31)}` });
  const all = new Rpc(others.folder, net);
  await Promise.all([anna.call('hello', { version: 1 }), all.call('hello', { version: 1 })]);
  const own = await anna.account('Anna Petrova');
  const ids = {};
  for (const [who, name] of Object.entries(PEOPLE)) ids[who] = await all.account(name);

  const account = own;
  await fail();
  const came = (rpc, text) => rpc.until((frame) => frame.method === 'message.received' && frame.params.message.text === text);
  const write = (to, text) => anna.call('messages.send', { account, to, text });
  const hear = async (who, text, more = {}) => {
    const sent = await all.call('messages.send', { account: ids[who], to: own, text, ...more });
    return sent.message_id;
  };
  const send = (who, files, text = '') => all.call('messages.send_files', { account: ids[who], to: own, files, text });
  const message = async (who, words) => {
    const { messages } = await anna.call('messages.list', { account, conversation: ids[who], limit: 100 });
    return messages.find((one) => one.text.startsWith(words));
  };

  // Everybody writes; all but one are let in.
  for (const who of Object.keys(PEOPLE)) await hear(who, who === 'arabic' ? ARABIC : `Hello from ${who}`);
  for (const who of Object.keys(PEOPLE)) await came(anna, who === 'arabic' ? ARABIC : `Hello from ${who}`);
  for (const who of Object.keys(PEOPLE)) {
    if (who !== 'stranger') await anna.call('requests.accept', { account, person: ids[who] });
  }
  await hear('arabic', 'See you at 7, Anna');
  await write(ids.arabic, 'نعم، الساعة السابعة 👍');
  await anna.call('contacts.block', { account, person: ids.blocked, blocked: true });
  await anna.call('conversations.pin', { account, conversation: ids.long, pinned: true });
  await anna.call('conversations.notify', { account, conversation: ids.long, muted_until: Date.now() + 86_400_000 });
  await texts();
  await pictures();
  for (let number = 1; number <= 30; number += 1) await hear('reader', `Line ${number} ${'and so on '.repeat(number % 9)}`);
  await hear('reader', 'The last line');
  await came(anna, 'The last line');
  for (let number = 1; number <= 1005; number += 1) await hear('long', `Number ${number}`);
  await came(anna, 'Number 1005');
  await Promise.all([anna.end(), all.end()]);
  return { app, others, ids, own };

  /** A message that can never be sent: the copy of its file is lost before a server is reached. */
  async function fail() {
    await anna.call('messages.send_files', { account, to: ids.boris, text: 'The photo, at last', files: [view(300, 200, 9)] });
    await anna.until((frame) => frame.method === 'message.postponed');
    await anna.end();
    for (const name of readdirSync(app.folder, { recursive: true })) {
      if (/(^|\/)files\/[^/]+$/.test(name)) rmSync(join(app.folder, name), { recursive: true });
    }
    anna = new Rpc(app.folder, net);
    await anna.call('hello', { version: 1 });
    await anna.call('accounts.open', { account });
    await anna.until((frame) => frame.method === 'message.failed');
  }

  /** Runs, states, folds, reactions, notices. */
  async function texts() {
    const boris = ids.boris;
    await write(boris, 'Good morning');
    await write(boris, 'Did the parcel come?');
    await write(boris, 'I asked them to leave it next door.');
    await came(all, 'I asked them to leave it next door.');
    await hear('boris', 'It did.');
    await hear('boris', 'They left it next door, as you said, and the neighbour brought it over in the evening.');
    await hear('boris', 'Thanks!');
    await came(anna, 'Thanks!');
    const asked = await message('boris', 'They left it');
    await anna.call('messages.send', { account, to: boris, text: 'That was kind of him', reply_to: asked.message_id });
    await hear('boris', Array.from({ length: 40 }, (_, index) => `Line ${index + 1} of a long list`).join('\n'));
    await hear('boris', `A word: ${'Donaudampfschiff'.repeat(110)}`);
    await hear('boris', `${PEOPLE.zalgo.repeat(12)} and back to normal`);
    await hear('boris', `Visit ${'https://example.org/a/rather/long/path/that/does/not/end/'.repeat(3)} soon`);
    await hear('boris', '> a quote by hand\n**bold**, *italic*, ~~gone~~ and `code`');
    await hear('boris', 'One for forty');
    await came(anna, 'One for forty');
    const emoji = [...'😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍🤩😘😗😚😙😋😛😜🤪😝🤑🤗🤭🤫🤔🤐🤨😐😑😶😏😒🙄😬🤥'];
    const target = await message('boris', 'One for forty');
    const theirs = (await all.call('messages.list', { account: ids.boris, conversation: own, limit: 20 })).messages;
    const same = theirs.find((one) => one.text === 'One for forty');
    for (let number = 0; number < 19; number += 1) {
      await anna.call('messages.react', { account, message_id: target.message_id, emoji: emoji[number] });
      await all.call('messages.react', { account: ids.boris, message_id: same.message_id, emoji: emoji[number + (number < 3 ? 0 : 19)] });
    }
    await anna.call('messages.invite', { account, to: boris, name: 'Choir of the old town', url: `https://rooms.example.org/choir?public_key=${'ab'.repeat(32)}` });
    await anna.call('conversations.set_timer', { account, conversation: boris, timer: { mode: 'after_read', seconds: 86_400 } });
    await write(boris, 'This one disappears');
    await anna.call('conversations.set_timer', { account, conversation: boris, timer: { mode: 'off' } });
    await anna.call('conversations.tell_extraction', { account, conversation: boris });
    const wrong = await hear('boris', 'Oh, wrong conversation');
    await came(anna, 'Oh, wrong conversation');
    await all.call('messages.delete', { account: ids.boris, message_id: wrong, scope: 'everyone' });
    await hear('boris', 'Are we still on for Friday?');
    await came(anna, 'Are we still on for Friday?');
  }

  /** Albums, wide and tall pictures, names of files. */
  async function pictures() {
    await send('gallery', [view(600, 400, 1)], 'One');
    await send('gallery', [view(600, 400, 1), view(400, 600, 2)], 'Two');
    await send('gallery', [view(600, 400, 1), view(400, 400, 2), view(400, 600, 3)], 'Three');
    await send('gallery', [1, 2, 3, 4].map((turn) => view(400, 300, turn)), 'Four');
    await send('gallery', [1, 2, 3, 4, 5, 6, 7].map((turn) => view(300, 200, turn)), 'Seven');
    await send('gallery', [view(2000, 200, 3)], 'A panorama');
    await send('gallery', [view(160, 1600, 4)], 'A tower');
    await send('gallery', [view(24, 24, 5)], 'A stamp');
    await send('gallery', [file(`${'minutes of the yearly meeting of the choir and its friends in the old town hall with all annexes and lists '.trim()} 2026.pdf`, 'application/pdf', Buffer.alloc(1_200, 7))]);
    await send('gallery', [file('holiday\u202Egnp.exe', 'application/octet-stream', Buffer.alloc(5_000, 9))]);
    await send('gallery', [file('قائمة المشتريات.txt', 'text/plain', Buffer.from('tea'))]);
    await hear('gallery', 'That was all');
    await came(anna, 'That was all');
  }
}
