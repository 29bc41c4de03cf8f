// What is measured: a private network, an account with three large conversations and a second
// account beside it, and the program of the people who write to it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { App, network } from '../e2e/programs.mjs';
import { Rpc } from '../e2e/rpc.mjs';

export const PEOPLE = ['Boris', 'Carla', 'Dmitri'];
export const PASSPHRASE = 'correct horse battery staple';

/** The program that fills a database: an example of `client/store`. */
function filler() {
  const built = ['release', 'debug'].map((kind) =>
    fileURLToPath(new URL(`../../../target/${kind}/examples/fill`, import.meta.url)),
  );
  const found = [process.env.FILL_BIN, ...built].find((path) => path && existsSync(path));
  if (!found) throw new Error('first: cargo build --release -p session-store --example fill');
  return found;
}

export async function stage(count) {
  const fill = filler();
  const net = await network();
  const anna = new App(net);
  const others = new App(net);
  const theirs = new Rpc(others.folder, net);
  const own = new Rpc(anna.folder, net);
  await Promise.all([theirs, own].map((rpc) => rpc.call('hello', { version: 1 })));

  const people = [];
  for (const name of PEOPLE) people.push(await theirs.account(name));
  const work = await own.account('Anna at work');
  const home = await own.account('Anna');
  const came = (frame) => frame.method === 'message.received';
  for (const person of people) {
    await own.call('messages.send', { account: home, to: person, text: 'Good morning' });
    await own.call('messages.send', { account: work, to: person, text: 'Good morning from work' });
  }
  await theirs.until((frame) => came(frame) && !frame.params.message.mine, 2 * people.length);
  for (const person of people) {
    await theirs.call('messages.send', { account: person, to: home, text: 'Good morning, Anna' });
    await theirs.call('messages.send', { account: person, to: work, text: 'Good morning at work' });
  }
  await own.until((frame) => came(frame) && !frame.params.message.mine, 2 * people.length);
  for (const person of people) {
    for (const account of [home, work]) {
      await own.call('conversations.mark_read', { account, conversation: person });
    }
  }
  await own.end();

  const { stdout } = await promisify(execFile)(fill, [anna.folder, home, String(count), ...people]);
  return { net, anna, others, theirs, people, home, work, filled: stdout.trim() };
}

/** From now on the account's key is kept by a passphrase. */
export async function protect({ net, anna, home }) {
  const own = new Rpc(anna.folder, net);
  await own.call('hello', { version: 1 });
  const params = { account: home, key_store: 'passphrase', new_passphrase: PASSPHRASE };
  await own.call('accounts.set_key', params);
  await own.end();
}
