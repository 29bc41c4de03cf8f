// What somebody typed or pasted where an Account ID belongs.

export type IdProblem = 'empty' | 'letter' | 'short' | 'long' | 'blinded' | 'group' | 'prefix' | 'community' | 'name';

export type ReadId =
  | { id: string }
  | { problem: IdProblem; length: number; at: number; letter: string };

const LENGTH = 66;

export function readAccountId(text: string): ReadId {
  const typed = text.replace(/[\s\u200b-\u200f\u2060\ufeff]/g, '');
  const wrong = (problem: IdProblem, at = 0, letter = ''): ReadId => ({ problem, length: typed.length, at, letter });
  if (typed === '') return wrong('empty');
  if (/^https?:\/\//i.test(typed)) return wrong('community');
  const plain = typed.replace(/^session:(\/\/)?/i, '').toLowerCase();
  const bad = Array.from(plain).findIndex((letter) => !/^[0-9a-f]$/.test(letter));
  if (bad >= 0) {
    const letter = Array.from(plain)[bad] ?? '';
    // A few letters that are no digits at all are somebody's name, not a mistyped id.
    if (!/^(05|15|25|03)/.test(plain) && plain.length < 40) return wrong('name', bad + 1, letter);
    return wrong('letter', bad + 1, letter);
  }
  if (plain.startsWith('15') || plain.startsWith('25')) return wrong('blinded');
  if (plain.startsWith('03')) return wrong('group');
  if (!'05'.startsWith(plain.slice(0, 2))) return wrong('prefix');
  if (plain.length < LENGTH) return { problem: 'short', length: plain.length, at: 0, letter: '' };
  if (plain.length > LENGTH) return { problem: 'long', length: plain.length, at: 0, letter: '' };
  return { id: plain };
}

const NAME = /^[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?$/i;

/** The name somebody may have registered, when this is no Account ID and not the better part of one. */
export function readName(text: string): string | null {
  const typed = text.trim();
  const read = readAccountId(typed);
  if ('id' in read || read.problem === 'short' || !NAME.test(typed)) return null;
  // A mistyped id is long and has few letters that do not belong.
  const strange = typed.replace(/[0-9a-f]/gi, '').length;
  return typed.length < 40 || strange > typed.length / 4 ? typed.toLowerCase() : null;
}
