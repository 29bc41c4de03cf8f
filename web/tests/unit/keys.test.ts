import { describe, expect, it } from 'vitest';

import { actionOf, combo, COMMANDS, keysOf, refusal, resolved, shownKeys, type Pressed } from '../../src/shell/keys';

const press = (key: string, code: string, held: Partial<Pressed> = {}): Pressed => ({
  key,
  code,
  ctrlKey: false,
  altKey: false,
  shiftKey: false,
  metaKey: false,
  ...held,
});
const command = (action: string) => COMMANDS.find((one) => one.action === action)!;

describe('keys', () => {
  it('are named alike on every keyboard', () => {
    expect(combo(press('k', 'KeyK', { ctrlKey: true }))).toBe('Ctrl+K');
    // By what is printed on it, not by its place.
    expect(combo(press('a', 'KeyQ', { ctrlKey: true }))).toBe('Ctrl+A');
    // Another alphabet: by its place.
    expect(combo(press('л', 'KeyK', { ctrlKey: true }))).toBe('Ctrl+K');
    expect(combo(press('Ï', 'KeyF', { ctrlKey: true, shiftKey: true }))).toBe('Ctrl+Shift+F');
    expect(combo(press('F', 'KeyF', { altKey: true, shiftKey: true }))).toBe('Alt+Shift+F');
    // A slash needs Shift on some keyboards.
    expect(combo(press('/', 'Slash', { ctrlKey: true }))).toBe('Ctrl+/');
    expect(combo(press('/', 'Digit7', { ctrlKey: true, shiftKey: true }))).toBe('Ctrl+/');
    expect(combo(press(' ', 'Space'))).toBe('Space');
    for (const key of ['Shift', 'Control', 'Alt', 'Meta']) expect(combo(press(key, `${key}Left`))).toBe('');
    expect(combo(press('@', 'KeyQ', { ctrlKey: true, altKey: true, getModifierState: () => true }))).toBe('');
  });

  it('follow the computer', () => {
    expect(resolved('Mod+,', false)).toBe('Ctrl+,');
    expect(resolved('Mod+,', true)).toBe('Meta+,');
    expect(resolved('Chord+F', false)).toBe('Alt+Shift+F');
    expect(resolved('Chord+F', true)).toBe('Ctrl+Shift+F');
    expect(shownKeys('Ctrl+Shift+Delete', true)).toBe('⌃ ⇧ Del');
  });

  it('are delivered without two that do the same, or that belong to the browser', () => {
    for (const mac of [false, true]) {
      for (const one of COMMANDS) expect(refusal(keysOf(one, {}, mac), one, {}, mac), one.action).toBeNull();
    }
  });

  it('do what was chosen', () => {
    const k = press('k', 'KeyK', { ctrlKey: true });
    expect(actionOf(k, 'window', {}, false)).toBe('goto');
    expect(actionOf(k, 'message', {}, false)).toBeNull();
    expect(actionOf(k, 'window', { goto: 'Ctrl+G' }, false)).toBeNull();
    expect(actionOf(press('g', 'KeyG', { ctrlKey: true }), 'window', { goto: 'Ctrl+G' }, false)).toBe('goto');
    expect(actionOf(press('r', 'KeyR'), 'message', {}, false)).toBe('reply');
    expect(actionOf(press('Shift', 'ShiftLeft', { shiftKey: true }), 'window', {}, false)).toBeNull();
  });

  it('are refused with a reason', () => {
    const why = (keys: string, action = 'goto', mac = false) => refusal(keys, command(action), {}, mac)?.why;
    for (const keys of ['Ctrl+T', 'Ctrl+Shift+N', 'Ctrl+Alt+E', 'F5']) expect(why(keys), keys).toBe('browser');
    expect(why('Meta+T', 'goto', true)).toBe('browser');
    for (const keys of ['Escape', 'Ctrl+Enter', 'Alt+ArrowUp', 'Tab', 'Alt+3', 'Alt+Shift+3']) expect(why(keys), keys).toBe('fixed');
    for (const keys of ['K', 'Shift+K', 'Space', '/']) expect(why(keys), keys).toBe('plain');
    expect(why('K', 'reply')).toBeUndefined();
    expect(why('F8')).toBeUndefined();
    expect(why('Ctrl+I')).toBe('used');
    expect(why('C', 'reply')).toBe('used');
  });
});
