// Locks accounts that have a passphrase when nobody was here for a while, and after the computer
// slept.

import { prefs } from '../state/prefs.svelte';
import { program } from '../state/program.svelte';
import { slept, type Moment } from './sleep';

const LOOK_MS = 30_000;
/** What happens first when somebody opens the lid. */
const WAKING = ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchstart', 'focus', 'pageshow', 'online'];
const USED = ['pointerdown', 'keydown', 'wheel', 'touchstart'];

let last = Date.now();
let seen: Moment = now();

export function watchIdle(): void {
  // Before anything else learns of it: what was on the screen is gone before a key reaches it.
  for (const kind of WAKING) addEventListener(kind, look, { passive: true, capture: true });
  for (const kind of USED) addEventListener(kind, () => (last = Date.now()), { passive: true, capture: true });
  document.addEventListener('visibilitychange', look);
  document.addEventListener('resume', look);
  // The browser stops the page: it could not notice any more that time passes.
  document.addEventListener('freeze', () => prefs.lockOnSleep && lockAll());
  setInterval(() => {
    look();
    if (prefs.idleMinutes > 0 && Date.now() - last > prefs.idleMinutes * 60_000) lockAll();
  }, LOOK_MS);
}

function now(): Moment {
  return { clock: Date.now(), running: performance.now() };
}

function look(): void {
  const next = now();
  const asleep = slept(seen, next);
  seen = next;
  if (asleep && prefs.lockOnSleep) lockAll();
}

/** Locks every open account that a passphrase opens again. Says whether there was one. */
export function lockAll(): boolean {
  const able = program.infos.filter((info) => info.key_store === 'passphrase' && program.opened.has(info.id));
  for (const info of able) program.lock(info.id).catch(() => {});
  return able.length > 0;
}
