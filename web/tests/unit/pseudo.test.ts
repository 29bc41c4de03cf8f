import { expect, it } from 'vitest';

import ar from '../../src/i18n/ar.json';
import en from '../../src/i18n/en.json';
import { doubled } from '../../src/i18n/pseudo';
import { format, LANGUAGES } from '../../src/i18n/runtime.svelte';

it('has every text twice as long, with its values once', () => {
  const long = doubled(en);
  expect(Object.keys(long)).toEqual(Object.keys(en));
  expect(format(long, 'en-XA', 'back')).toBe('Back Öööö');
  const unread = format(long, 'en-XA', 'row.unread', { count: 3 });
  expect(unread.match(/3/g)).toHaveLength(1);
  expect(unread.length).toBeGreaterThanOrEqual(2 * format(en, 'en', 'row.unread', { count: 3 }).length - 1);
});

it('is in no build that is not for tests', () => {
  expect(Object.keys(LANGUAGES)).toEqual(['en', 'ar']);
});

it('says no text in Arabic that is still English', () => {
  const same = Object.entries(en).filter(([key, text]) => typeof text === 'string' && (ar as Record<string, unknown>)[key] === text);
  // Words of the field stay as they are; so does what is no word.
  const kept = ['account_id', 'recovery_password', 'note_to_self', 'files.moving', 'appearance.percent', 'keys.changed', 'reactions.one', 'new.field', 'start.recovery'];
  expect(same.map(([key]) => key).filter((key) => !kept.includes(key))).toEqual([]);
});
