// How the page looks and behaves on this device. Nothing here is about a person or a message.

import { setLanguage, type Language } from '../i18n/runtime.svelte';
import type { Clock } from '../text/time';

export const ACCENTS = ['juniper', 'iris', 'ocean', 'meadow', 'ember', 'rose', 'slate'] as const;
export const SCALES = [0.85, 1, 1.15, 1.3, 1.5] as const;

export type Preferences = {
  theme: 'system' | 'paper' | 'ink';
  accent: (typeof ACCENTS)[number];
  scale: number;
  density: 'roomy' | 'compact';
  motion: 'system' | 'less';
  language: Language;
  clock: Clock;
  enterSends: boolean;
  formatting: boolean;
  /** After a voice message the next one plays by itself. */
  voiceNext: boolean;
  notifications: 'off' | 'bare' | 'name' | 'text';
  sound: boolean;
  idleMinutes: number;
  lockOnSleep: boolean;
  listWidth: number;
  tone: number;
  recent: string[];
  /** Keys that were chosen instead of those delivered, by action. */
  keys: Record<string, string>;
};

const DEFAULTS: Preferences = {
  theme: 'system',
  accent: 'juniper',
  scale: 1,
  density: 'roomy',
  motion: 'system',
  language: 'en',
  clock: 'locale',
  enterSends: true,
  formatting: true,
  voiceNext: true,
  notifications: 'bare',
  sound: true,
  idleMinutes: 15,
  lockOnSleep: true,
  listWidth: 320,
  tone: 0,
  recent: ['❤️', '👍', '😂', '😮', '😢', '🙏'],
  keys: {},
};

const KEPT = 'preferences';

export const prefs = $state<Preferences>({ ...DEFAULTS, ...read(sessionStorage.getItem(KEPT)) });

/** Where preferences are kept beyond this tab; set once the program offers a place. */
let keepElsewhere: ((value: string) => void) | null = null;

export function keepIn(place: (value: string) => void): void {
  keepElsewhere = place;
}

export function setPrefs(change: Partial<Preferences>): void {
  Object.assign(prefs, change);
  const value = JSON.stringify(prefs);
  sessionStorage.setItem(KEPT, value);
  keepElsewhere?.(value);
  applyPrefs();
}

/** Takes what was kept before. */
export function loadPrefs(value: string): void {
  Object.assign(prefs, read(value));
  sessionStorage.setItem(KEPT, JSON.stringify(prefs));
  applyPrefs();
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const colours = $state({ dark: dark.matches });

dark.addEventListener('change', () => {
  colours.dark = dark.matches;
  applyPrefs();
});

/** The theme that is meant: "as the computer" is one of the two. */
export function themeShown(): 'paper' | 'ink' {
  if (prefs.theme !== 'system') return prefs.theme;
  return colours.dark ? 'ink' : 'paper';
}

export function applyPrefs(): void {
  const root = document.documentElement;
  root.dataset.theme = themeShown();
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    meta.content = getComputedStyle(root).getPropertyValue('--c-pane');
  }
  root.dataset.accent = prefs.accent;
  root.dataset.density = prefs.density;
  root.dataset.motion = prefs.motion;
  root.style.setProperty('--t-scale', String(prefs.scale));
  root.style.setProperty('--w-list', `${prefs.listWidth}px`);
  setLanguage(prefs.language).catch(() => {});
}

/** Puts an emoji at the front of those used lately. */
export function usedEmoji(emoji: string): void {
  setPrefs({ recent: [emoji, ...prefs.recent.filter((other) => other !== emoji)].slice(0, 24) });
}

function read(value: string | null): Partial<Preferences> {
  if (!value) return {};
  try {
    const found = JSON.parse(value) as Record<string, unknown>;
    const entries = Object.entries(DEFAULTS).filter(([key, standard]) => typeof found[key] === typeof standard);
    return Object.fromEntries(entries.map(([key]) => [key, found[key]])) as Partial<Preferences>;
  } catch {
    return {};
  }
}
