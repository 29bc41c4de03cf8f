// Names of people and files on screen.

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** First letters of the first and the last word; nothing when there is no letter, digit or emoji. */
export function letters(name: string): string {
  const words = name
    .normalize('NFC')
    .split(/\s+/u)
    .map((word) => graphemes(word).map(seen).find((part) => /[\p{L}\p{N}\p{Emoji_Presentation}]/u.test(part)))
    .filter((part) => part !== undefined);
  const first = words[0];
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return [first, last].filter((part) => part !== undefined).join('').toLocaleUpperCase();
}

/** A grapheme without what cannot be seen, and without marks when they pile up. */
function seen(grapheme: string): string {
  const marks = grapheme.match(/\p{M}/gu)?.length ?? 0;
  const kept = marks > 2 ? grapheme.replace(/\p{M}/gu, '') : grapheme;
  return /^\p{Default_Ignorable_Code_Point}+$/u.test(kept) ? '' : kept;
}

export function shortened(text: string, most: number): string {
  const parts = graphemes(text);
  return parts.length <= most ? text : `${parts.slice(0, most - 1).join('')}…`;
}

/** The last four digits of an id. */
export function tail(id: string): string {
  return id.slice(-4);
}

/** An Account ID in eleven groups of six. */
export function groups(id: string): string[] {
  return id.match(/.{1,6}/g) ?? [];
}

/** The name of a file without its extension, and the extension, both safe to show. */
export function fileName(name: string | null | undefined): { stem: string; extension: string } {
  const safe = (name ?? '').replace(/^.*[/\\]/s, '').replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '').trim();
  const dot = safe.lastIndexOf('.');
  if (dot <= 0 || safe.length - dot > 12) return { stem: safe, extension: '' };
  return { stem: safe.slice(0, dot), extension: safe.slice(dot) };
}

/** The direction of the first letter that has one. */
export function direction(text: string): 'rtl' | 'ltr' {
  const first = /\p{L}/u.exec(text)?.[0] ?? '';
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(first) ? 'rtl' : 'ltr';
}

/** How many emoji a text is made of, when it is made of nothing else and has at most six. */
export function onlyEmoji(text: string): number {
  if (text.length > 120) return 0;
  let count = 0;
  for (const { segment } of segmenter.segment(text)) {
    if (segment.trim() === '') continue;
    if (count === 6 || !isEmoji(segment)) return 0;
    count += 1;
  }
  return count;
}

export function isEmoji(grapheme: string): boolean {
  return /^(?:\p{RI}{2}|[0-9#*]\uFE0F?\u20E3|\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\p{Emoji}\p{Emoji_Modifier}|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?\u200D)/u.test(grapheme);
}

/** Unicode code points, as the limit of a message counts them. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
