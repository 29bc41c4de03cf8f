// Which key does what, as delivered, and how a pressed key is called. `Mod` is Ctrl, on a Mac Cmd;
// `Chord` is Alt and Shift, on a Mac Control and Shift.

import type { TextKey } from '../i18n/runtime.svelte';

export type Scope = 'window' | 'message';

const DELIVERED = {
  goto: ['window', 'Mod+K', 'goto.title'],
  new: ['window', 'Chord+N', 'new.title'],
  search: ['window', 'Chord+F', 'search'],
  find: ['window', 'Mod+F', 'search.here'],
  info: ['window', 'Mod+I', 'details'],
  mute: ['window', 'Chord+M', 'keys.mute'],
  emoji: ['window', 'Mod+E', 'emoji'],
  attach: ['window', 'Mod+U', 'attach'],
  record: ['window', 'Chord+V', 'voice.record'],
  region: ['window', 'F6', 'keys.region'],
  region_before: ['window', 'Shift+F6', 'keys.region_before'],
  lock: ['window', 'Chord+L', 'lock.now'],
  settings: ['window', 'Mod+,', 'settings'],
  shortcuts: ['window', 'Mod+/', 'settings.shortcuts'],
  reply: ['message', 'R', 'reply'],
  react: ['message', 'E', 'react'],
  copy: ['message', 'C', 'copy'],
  message_info: ['message', 'I', 'message.info'],
  save: ['message', 'S', 'keys.save'],
  open: ['message', 'Space', 'keys.open'],
  select: ['message', 'X', 'select'],
  delete: ['message', 'Delete', 'delete'],
} as const satisfies Record<string, readonly [Scope, string, TextKey]>;

export type Action = keyof typeof DELIVERED;
export type Command = { action: Action; scope: Scope; keys: string; text: TextKey };
/** What the user chose instead of what is delivered. */
export type Chosen = Readonly<Partial<Record<string, string>>>;
export type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'> &
  Partial<Pick<KeyboardEvent, 'getModifierState'>>;

export const COMMANDS: readonly Command[] = Object.entries(DELIVERED).map(([action, [scope, keys, text]]) => ({
  action: action as Action,
  scope,
  keys,
  text,
}));

/** Keys that are the browser's own, or that type or edit. */
const RESERVED = [
  'N', 'T', 'W', 'C', 'V', 'X', 'A', 'Z', 'Y', 'R', 'L', 'P', 'Q', 'H', 'J', 'D', 'O', '0', '+', '-', '=',
  'Shift+N', 'Shift+T', 'Shift+W', 'Shift+V', 'Shift+A', 'Shift+M', 'Shift+H', 'Shift+Z', 'Shift+I', 'Shift+J', 'Shift+R',
];
const BROWSER = ['F5', 'F11', 'F12', 'Alt+F4', 'Alt+Home', 'Alt+D', 'F1', 'F3'];
const FIXED = /^(Escape|Enter|Tab|Backspace|Home|End|Page\w+|Arrow\w+|Dead|Process|Unidentified|ContextMenu)$/;
const MODIFIER = /^(Control|Shift|Alt|AltGraph|Meta|CapsLock|Fn|OS|NumLock)$/;

/** What is pressed, such as `Ctrl+K`; nothing for a modifier alone and for what types a sign. */
export function combo(event: Pressed): string {
  if (MODIFIER.test(event.key) || event.getModifierState?.('AltGraph')) return '';
  const name = nameOf(event);
  const sign = name.length === 1 && !/[A-Z0-9]/.test(name);
  const parts = [
    event.ctrlKey && 'Ctrl',
    event.altKey && 'Alt',
    // A sign may need Shift on one keyboard and not on another.
    event.shiftKey && !sign && 'Shift',
    event.metaKey && 'Meta',
    name,
  ];
  return parts.filter(Boolean).join('+');
}

function nameOf({ key, code }: Pressed): string {
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  const physical = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(code);
  // Another alphabet, or a sign that the modifiers make: the key that is pressed counts.
  if (physical && key.length === 1 && !/^[!-~]$/.test(key)) return physical[1] ?? physical[2] ?? key;
  return key === ' ' ? 'Space' : key;
}

/** Keys as delivered, on this computer. */
export function resolved(keys: string, mac: boolean): string {
  const parts = keys.split(/\+(?=.)/);
  const name = parts.pop() ?? '';
  const has = (part: string) => parts.includes(part);
  const chord = has('Chord');
  return [
    ((has('Mod') && !mac) || (chord && mac)) && 'Ctrl',
    (has('Alt') || (chord && !mac)) && 'Alt',
    (has('Shift') || chord) && 'Shift',
    has('Mod') && mac && 'Meta',
    name,
  ]
    .filter(Boolean)
    .join('+');
}

export function keysOf(command: Command, chosen: Chosen, mac: boolean): string {
  return chosen[command.action] ?? resolved(command.keys, mac);
}

/** What a pressed key is to do. */
export function actionOf(event: Pressed, scope: Scope, chosen: Chosen, mac: boolean): Action | null {
  const pressed = combo(event);
  if (pressed === '') return null;
  return COMMANDS.find((command) => command.scope === scope && keysOf(command, chosen, mac) === pressed)?.action ?? null;
}

export type Refusal = { why: 'fixed' | 'browser' | 'plain' } | { why: 'used'; by: Command };

/** Why a key cannot be chosen for a command; nothing when it can. */
export function refusal(keys: string, command: Command, chosen: Chosen, mac: boolean): Refusal | null {
  const parts = keys.split(/\+(?=.)/);
  const name = parts.at(-1) ?? '';
  const with_ = (part: string) => parts.slice(0, -1).includes(part);
  if (FIXED.test(name)) return { why: 'fixed' };
  const mod = mac ? 'Meta' : 'Ctrl';
  const afterMod = with_(mod) ? parts.filter((part) => part !== mod).join('+') : '';
  if (BROWSER.includes(keys) || (afterMod !== '' && RESERVED.includes(afterMod))) return { why: 'browser' };
  if (with_('Ctrl') && with_('Alt')) return { why: 'browser' };
  // Digits with Alt and with the chord are those of conversations and accounts.
  if (/^[1-9]$/.test(name) && (with_('Alt') || (mac && with_('Ctrl') && with_('Shift')))) return { why: 'fixed' };
  const bare = !with_('Ctrl') && !with_('Alt') && !with_('Meta') && !/^F\d+$/.test(name);
  if (bare && command.scope === 'window') return { why: 'plain' };
  const by = COMMANDS.find((other) => other.action !== command.action && keysOf(other, chosen, mac) === keys);
  return by ? { why: 'used', by } : null;
}

const SHOWN: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  Delete: 'Del',
};
const MAC: Readonly<Record<string, string>> = { Ctrl: '⌃', Alt: '⌥', Shift: '⇧', Meta: '⌘' };

/** Keys as they are written on the screen. */
export function shownKeys(keys: string, mac: boolean): string {
  return keys
    .split(/\+(?=.)/)
    .map((part) => (mac ? MAC[part] : undefined) ?? SHOWN[part] ?? part)
    .join(' ');
}
