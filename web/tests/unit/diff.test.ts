import { describe, expect, it } from 'vitest';

import { applyOps, fits, type Op } from '../../src/state/diff';

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return below === 0 ? 0 : state % below;
  };
}

/** A list that is changed in the plainest way there is. */
function model(list: number[], op: Op<number>): number[] {
  if (op.op === 'reset') return [...op.items];
  const next: number[] = [];
  if (op.op === 'set') {
    list.forEach((item, at) => next.push(at === op.at ? op.item : item));
    return next;
  }
  for (let at = 0; at < op.at; at += 1) next.push(list[at]!);
  for (const item of op.insert) next.push(item);
  for (let at = op.at + op.remove; at < list.length; at += 1) next.push(list[at]!);
  return next;
}

describe('applyOps', () => {
  it('does what a plain model does, whatever the changes are', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = numbers(seed);
      let list = Array.from({ length: random(20) }, () => random(1000));
      const before = [...list];
      let expected = list;
      const ops: Op<number>[] = [];
      for (let step = 0; step < 12; step += 1) {
        const kind = random(10);
        const items = Array.from({ length: random(6) }, () => random(1000));
        let op: Op<number>;
        if (kind === 0) op = { op: 'reset', items };
        else if (kind < 4 && expected.length > 0) op = { op: 'set', at: random(expected.length), item: random(1000) };
        else {
          const at = random(expected.length + 1);
          op = { op: 'splice', at, remove: random(expected.length - at + 1), insert: items };
        }
        ops.push(op);
        expected = model(expected, op);
      }
      const applied = applyOps(list, ops);
      expect(applied, `seed ${seed}`).toEqual(expected);
      expect(list, 'the list before is not touched').toEqual(before);
      list = applied ?? [];
    }
  });

  it('refuses what does not fit', () => {
    expect(applyOps([1, 2], [{ op: 'splice', at: 3, remove: 0, insert: [9] }])).toBeNull();
    expect(applyOps([1, 2], [{ op: 'splice', at: 1, remove: 2, insert: [] }])).toBeNull();
    expect(applyOps([1, 2], [{ op: 'set', at: 2, item: 9 }])).toBeNull();
    expect(applyOps([1, 2], [{ op: 'set', at: -1, item: 9 }])).toBeNull();
  });
});

describe('fits', () => {
  it('takes the next diff and no other', () => {
    expect(fits({ gen: 1, seq: 4 }, { gen: 1, seq: 5 }, [{ op: 'set' }])).toBe(true);
    expect(fits({ gen: 1, seq: 4 }, { gen: 1, seq: 6 }, [{ op: 'set' }])).toBe(false);
    expect(fits({ gen: 1, seq: 4 }, { gen: 1, seq: 4 }, [{ op: 'set' }])).toBe(false);
  });

  it('counts a generation for each reset', () => {
    expect(fits({ gen: 1, seq: 4 }, { gen: 2, seq: 5 }, [{ op: 'reset' }])).toBe(true);
    expect(fits({ gen: 1, seq: 4 }, { gen: 1, seq: 5 }, [{ op: 'reset' }])).toBe(false);
    expect(fits({ gen: 1, seq: 4 }, { gen: 2, seq: 5 }, [{ op: 'set' }])).toBe(false);
  });
});
