import { describe, expect, it } from 'vitest';

import type { TimelineItem } from '../../src/api/api.gen';
import { following, nameOf, type Voice } from '../../src/features/timeline/voice';

const file = (index: number, here = true) => ({ index, voice: true, state: { is: here ? 'here' : 'remote' } });
const message = (message_id: number, author: string, files: object[] = [file(0)]) =>
  ({ kind: 'message', id: `m${message_id}`, message_id, author, mine: false, files }) as unknown as TimelineItem;
const day = { kind: 'day', id: 'd' } as unknown as TimelineItem;

function after(items: TimelineItem[], index = 0): string | null {
  const first = items[0] as Voice['message'];
  const next = following(items, { message: first, file: (first.files ?? [])[index]! });
  return next && nameOf(next);
}

describe('the voice message after one', () => {
  it('is the next of the same person, over the border of a day', () => {
    expect(after([message(1, 'a'), message(2, 'a')])).toBe('2:0');
    expect(after([message(1, 'a'), day, message(2, 'a')])).toBe('2:0');
  });

  it('is the next of the same message first', () => {
    const two = message(1, 'a', [file(0), file(1)]);
    expect(after([two, message(2, 'a')])).toBe('1:1');
    expect(after([two, message(2, 'a')], 1)).toBe('2:0');
  });

  it('is none once somebody else, or something else, stands between them', () => {
    expect(after([message(1, 'a'), message(2, 'b')])).toBeNull();
    expect(after([message(1, 'a'), message(2, 'a', []), message(3, 'a')])).toBeNull();
    expect(after([message(1, 'a'), { kind: 'notice', id: 'n' } as unknown as TimelineItem, message(2, 'a')])).toBeNull();
    expect(after([message(1, 'a')])).toBeNull();
  });

  it('is none that is not on this device', () => {
    expect(after([message(1, 'a'), message(2, 'a', [file(0, false)]), message(3, 'a')])).toBeNull();
  });
});
