import { describe, expect, it } from 'vitest';

import { looksLikeRecoveryPassword } from '../../src/features/composer/draft';
import { codePoints, direction, fileName, groups, letters, onlyEmoji, shortened } from '../../src/text/names';
import { dayTitle, duration, hours, playTime, rowTime, size } from '../../src/text/time';
import { styled } from '../../src/text/tokens';

const plain = (text: string) => styled(text).map(({ style, text: part }) => `${style}:${part}`);

describe('styled', () => {
  it('finds styles at the borders of words', () => {
    expect(plain('a **b c** d')).toEqual(['plain:a ', 'bold:b c', 'plain: d']);
    expect(plain('*a* ~~b~~ `c`')).toEqual(['italic:a', 'plain: ', 'strike:b', 'plain: ', 'code:c']);
  });

  it('leaves alone what is no style', () => {
    for (const text of ['2*3*4', 'a * b * c', 'snake_case_name', '**', '****', '** a **', '*a\nb*', 'a*', '`', '**open']) {
      expect(styled(text).map((token) => token.style), text).toEqual(['plain']);
    }
  });

  it('loses no letter of a text without closed marks, and takes no time over long ones', () => {
    const text = '*a '.repeat(1300);
    expect(styled(text).map((token) => token.text).join('')).toBe(text);
    const long = '*'.repeat(100_000);
    expect(styled(long)).toEqual([{ style: 'plain', text: long }]);
  });
});

describe('names', () => {
  it('takes letters of first and last word', () => {
    expect(letters('Anna Petrova')).toBe('AP');
    expect(letters('  anna  ')).toBe('A');
    expect(letters('Jean Paul Sartre')).toBe('JS');
    expect(letters('🦊 den')).toBe('🦊D');
    expect(letters('...')).toBe('');
    expect(letters('\u3164\u200b \u00ad')).toBe('');
    expect(letters(`Z${'\u0337'.repeat(9)}algo`)).toBe('Z');
    expect(letters('Élodie कि')).toBe('Éकि');
  });

  it('cuts at whole signs', () => {
    expect(shortened('👩‍👩‍👧'.repeat(50), 40)).toBe(`${'👩‍👩‍👧'.repeat(39)}…`);
    expect(shortened('short', 40)).toBe('short');
  });

  it('keeps the true extension of a file in sight', () => {
    expect(fileName('score.png')).toEqual({ stem: 'score', extension: '.png' });
    expect(fileName('photo\u202egnp.exe')).toEqual({ stem: 'photognp', extension: '.exe' });
    expect(fileName('../../etc/passwd')).toEqual({ stem: 'passwd', extension: '' });
    expect(fileName(null)).toEqual({ stem: '', extension: '' });
  });

  it('knows which way a name runs', () => {
    expect(direction('score')).toBe('ltr');
    expect(direction('12 تقرير')).toBe('rtl');
    expect(direction('2026')).toBe('ltr');
  });

  it('knows messages made of emoji alone', () => {
    expect(onlyEmoji('😀')).toBe(1);
    expect(onlyEmoji('👍🏽 ❤️ 🇫🇮')).toBe(3);
    expect(onlyEmoji('👩‍👩‍👧‍👦')).toBe(1);
    expect(onlyEmoji('ok 😀')).toBe(0);
    expect(onlyEmoji('123')).toBe(0);
    expect(onlyEmoji('😀'.repeat(7))).toBe(0);
    expect(onlyEmoji('')).toBe(0);
  });

  it('counts as the limit of messages does', () => {
    expect(codePoints('a😀b')).toBe(3);
    expect(groups('05'.repeat(33))).toHaveLength(11);
  });

  it('warns of thirteen words in a row', () => {
    expect(looksLikeRecoveryPassword('abbey '.repeat(13))).toBe(true);
    expect(looksLikeRecoveryPassword('abbey '.repeat(12))).toBe(false);
    expect(looksLikeRecoveryPassword('I think, that we should go home now because it is late, no?')).toBe(false);
  });
});

describe('times', () => {
  const now = new Date(2026, 10, 21, 12, 0).getTime();
  const day = 86_400_000;

  it('of rows', () => {
    expect(rowTime(now - 60_000, now, 'en-GB', '24')).toBe('11:59');
    expect(rowTime(now - day, now, 'en-GB', '24')).toBe('Yesterday');
    expect(rowTime(now - 3 * day, now, 'en-GB', '24')).toBe('Wed');
    expect(rowTime(now - 30 * day, now, 'en-GB', '24')).toBe('22 Oct');
    expect(rowTime(now - 400 * day, now, 'en-GB', '24')).toBe('17 Oct 2025');
  });

  it('of days', () => {
    expect(dayTitle('2026-11-21', now, 'en-GB')).toBe('Today');
    expect(dayTitle('2026-11-20', now, 'en-GB')).toBe('Yesterday');
    expect(dayTitle('2026-11-03', now, 'en-GB')).toBe('Tuesday 3 November');
  });

  it('on the clock that was chosen', () => {
    const evening = new Date(2026, 10, 21, 20, 5).getTime();
    expect(hours(evening, 'en-US', '24')).toBe('20:05');
    expect(hours(evening, 'en-US', '12')).toMatch(/^8:05\sPM$/);
  });

  it('of timers and recordings', () => {
    expect(duration(86_400, 'en')).toBe('1 day');
    expect(duration(14 * 86_400, 'en')).toBe('2 weeks');
    expect(duration(12 * 3600, 'en')).toBe('12 hours');
    expect(duration(30, 'en')).toBe('30 seconds');
    expect(playTime(64.9)).toBe('1:04');
  });

  it('and sizes', () => {
    expect(size(12, 'en')).toBe('12 bytes');
    expect(size(1_250_000, 'en')).toBe('1.3 MB');
    expect(size(180_000, 'en')).toBe('180 kB');
  });
});
