// The words of a Recovery Password in the field they are written in.

/** What stands between words: white space, marks and the numbers of lists. */
const BETWEEN = /[\s,;.0-9]+/u;
const WORD = /[^\s,;.0-9]+/gu;

export function wordsOf(text: string): string[] {
  return text.toLowerCase().split(BETWEEN).filter((word) => word !== '');
}

/** The word that is being written: which one it is, and its letters up to the cursor at its end. */
export function wordAt(text: string, cursor: number): { index: number; typed: string; from: number } | null {
  let index = 0;
  for (const match of text.matchAll(WORD)) {
    const to = match.index + match[0].length;
    if (to === cursor) return { index, typed: match[0].toLowerCase(), from: match.index };
    index += 1;
  }
  return null;
}

/**
 * Writes out the words of which only the beginning was written and that can be no others. The one
 * at the cursor is left alone.
 */
export function writtenOut(
  text: string,
  cursor: number,
  meant: readonly (string | null | undefined)[],
): { text: string; cursor: number } {
  let index = 0;
  let moved = 0;
  const out = text.replace(WORD, (word: string, at: number) => {
    const whole = meant[index++];
    const ends = at + word.length;
    if (!whole || ends === cursor || whole === word.toLowerCase() || !whole.startsWith(word.toLowerCase())) return word;
    if (ends < cursor) moved += whole.length - word.length;
    return whole;
  });
  return { text: out, cursor: cursor + moved };
}
