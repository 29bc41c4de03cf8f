import { describe, expect, it } from 'vitest';

import { wordAt, wordsOf, writtenOut } from '../../src/features/onboarding/words';

describe('the words of a Recovery Password', () => {
  it('are what stands between white space, marks and numbers', () => {
    expect(wordsOf(' 1. Abbey\n2. zoom, acid ')).toEqual(['abbey', 'zoom', 'acid']);
    expect(wordsOf('')).toEqual([]);
  });

  it('are known at the cursor, at the end of a word only', () => {
    expect(wordAt('abbey zo', 8)).toEqual({ index: 1, typed: 'zo', from: 6 });
    expect(wordAt('abbey zo', 5)).toEqual({ index: 0, typed: 'abbey', from: 0 });
    expect(wordAt('abbey zo', 3)).toBeNull();
    expect(wordAt('abbey ', 6)).toBeNull();
  });

  it('are written out once they can be no others, and the cursor stays where it was', () => {
    const meant = ['abbey', 'zoom'];
    expect(writtenOut('abb zo', 6, ['abbey', null])).toEqual({ text: 'abbey zo', cursor: 8 });
    expect(writtenOut('abb zoo ', 8, meant)).toEqual({ text: 'abbey zoom ', cursor: 11 });
    expect(writtenOut('1. abb, 2. zoo', 6, meant)).toEqual({ text: '1. abb, 2. zoom', cursor: 6 });
    // What is being written, what is whole and what goes on otherwise is left alone.
    expect(writtenOut('abb', 3, meant).text).toBe('abb');
    expect(writtenOut('Abbey zoos ', 11, meant)).toEqual({ text: 'Abbey zoos ', cursor: 11 });
  });
});
