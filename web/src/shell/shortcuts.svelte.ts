// Keys that work anywhere, and what they do. What a part of the window does itself it says with
// `handle` as long as it is there.

import { prefs } from '../state/prefs.svelte';
import { program } from '../state/program.svelte';
import { lockAll } from './idle.svelte';
import { actionOf, COMMANDS, keysOf, resolved, shownKeys, type Action, type Scope } from './keys';
import { go, router, show } from './router.svelte';

export const MAC = /mac/i.test(navigator.userAgent) && !/iphone|ipad/i.test(navigator.userAgent);

/** Whether the list of everything to go to is open. */
export const layers = $state({ goto: false });

type Run = () => void;
const handlers = new Map<Action, Run>();

/** Says what keys do in a part of the window; the answer ends that. */
export function handle(runs: Partial<Record<Action, Run>>): () => void {
  const entries = Object.entries(runs) as [Action, Run][];
  for (const [action, run] of entries) handlers.set(action, run);
  return () => {
    for (const [action, run] of entries) if (handlers.get(action) === run) handlers.delete(action);
  };
}

let leaves: (() => boolean) | null = null;

/** Says what Escape does first in a part of the window, if there is something to leave. */
export function onEscape(leave: () => boolean): () => void {
  leaves = leave;
  return () => {
    if (leaves === leave) leaves = null;
  };
}

/** Leaves what is begun in the conversation. Says whether there was something. */
export function leave(): boolean {
  return leaves?.() ?? false;
}

const ANYWHERE: Partial<Record<Action, Run>> = {
  goto: () => (layers.goto = true),
  new: () => go({ screen: 'new' }),
  search: () => go({ screen: 'search', conversation: router.route.conversation }),
  lock: () => void lockAll(),
  settings: () => go({ screen: 'settings' }),
  shortcuts: () => go({ screen: 'settings', page: 'shortcuts' }),
  region: () => nextRegion(1),
  region_before: () => nextRegion(-1),
};

/** The same key as Enter with Ctrl, on a Mac with Cmd. */
export function isMod(event: KeyboardEvent): boolean {
  return MAC ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.altKey && !event.metaKey;
}

/** What a key does here by the user's choice. */
export function pressedAction(event: KeyboardEvent, scope: Scope): Action | null {
  return actionOf(event, scope, prefs.keys, MAC);
}

/** The keys of an action as they are written on the screen. */
export function shownFor(action: Action): string {
  const command = COMMANDS.find((known) => known.action === action);
  return command ? shownKeys(keysOf(command, prefs.keys, MAC), MAC) : '';
}

/** Keys that are always these, as they are written on the screen. */
export function shownFixed(keys: string): string {
  return shownKeys(resolved(keys, MAC), MAC);
}

export function shortcuts(): void {
  $effect(() => {
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}

function pressed(event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  const act = movement(event) ?? ofAction(pressedAction(event, 'window'));
  if (!act) return;
  event.preventDefault();
  act();
}

function ofAction(action: Action | null): Run | undefined {
  return action === null ? undefined : (handlers.get(action) ?? ANYWHERE[action]);
}

/** Arrows and digits, which nobody changes. */
function movement(event: KeyboardEvent): Run | undefined {
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  const chord = event.shiftKey && (MAC ? event.ctrlKey : event.altKey && !event.ctrlKey);
  const info = chord && digit ? program.infos[Number(digit) - 1] : undefined;
  if (info) return () => program.choose(info.id);
  if (!event.altKey || event.ctrlKey || event.metaKey) return undefined;
  if (event.key === 'ArrowUp') return () => step(-1, event.shiftKey);
  if (event.key === 'ArrowDown') return () => step(1, event.shiftKey);
  const row = digit && !event.shiftKey ? program.account?.chats.rows[Number(digit) - 1] : undefined;
  return row ? () => show({ screen: 'chat', conversation: row.id }) : undefined;
}

/** The next conversation, or the next one with something unread. */
function step(by: 1 | -1, unread: boolean): void {
  const rows = program.account?.chats.rows ?? [];
  const at = rows.findIndex((row) => row.id === router.route.conversation);
  for (let next = at + by; next >= 0 && next < rows.length; next += by) {
    const row = rows[next];
    if (!row || (unread && row.unread === 0 && !row.marked_unread)) continue;
    show({ screen: 'chat', conversation: row.id });
    return;
  }
}

/** Moves the focus from region to region of the window. */
function nextRegion(by: 1 | -1): void {
  const regions = Array.from(document.querySelectorAll<HTMLElement>('[data-region]'));
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = at < 0 ? regions.at(by > 0 ? 0 : -1) : regions[(at + by + regions.length) % regions.length];
  const first = ['[data-item][tabindex="0"]', 'textarea', 'input:not([tabindex="-1"]), a[href], button, [tabindex="0"]'];
  const inside = first.map((selector) => next?.querySelector<HTMLElement>(selector)).find(Boolean);
  (inside ?? next)?.focus();
}
