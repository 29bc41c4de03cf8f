// Marks people type for style, as tokens; never as markup.

export type Style = 'plain' | 'bold' | 'italic' | 'strike' | 'code';
export type Token = { style: Style; text: string };

const MARKS: readonly (readonly [string, Style])[] = [
  ['**', 'bold'],
  ['~~', 'strike'],
  ['`', 'code'],
  ['*', 'italic'],
];

const LONGEST = 4000;

/** Styles of a text, only at the borders of words. */
export function styled(text: string): Token[] {
  if (text.length > LONGEST || !/[*~`]/.test(text)) return [{ style: 'plain', text }];
  const tokens: Token[] = [];
  let plain = '';
  let at = 0;
  // Up to where a mark is known to have no end: it is not looked for again before.
  const dead = new Map<string, number>();
  while (at < text.length) {
    const found = opens(text, at, dead);
    if (!found) {
      plain += text.charAt(at);
      at += 1;
      continue;
    }
    if (plain) tokens.push({ style: 'plain', text: plain });
    plain = '';
    tokens.push({ style: found.style, text: text.slice(at + found.mark.length, found.end) });
    at = found.end + found.mark.length;
  }
  if (plain) tokens.push({ style: 'plain', text: plain });
  return tokens;
}

type Found = { mark: string; style: Style; end: number };

function opens(text: string, at: number, dead: Map<string, number>): Found | null {
  if (at > 0 && /[\p{L}\p{N}*~`]/u.test(text.charAt(at - 1))) return null;
  for (const [mark, style] of MARKS) {
    if (!text.startsWith(mark, at) || at < (dead.get(mark) ?? 0)) continue;
    const from = at + mark.length;
    if (from >= text.length || /[\s*~`]/.test(text.charAt(from))) continue;
    for (let end = text.indexOf(mark, from); end > 0; end = text.indexOf(mark, end + 1)) {
      const after = text.charAt(end + mark.length);
      const inside = text.slice(from, end);
      if (inside.includes('\n')) break;
      if (/\s$/.test(inside) || inside === '') continue;
      if (after !== '' && /[\p{L}\p{N}*~`]/u.test(after)) continue;
      return { mark, style, end };
    }
    const line = text.indexOf('\n', from);
    dead.set(mark, line < 0 ? text.length : line);
  }
  return null;
}
