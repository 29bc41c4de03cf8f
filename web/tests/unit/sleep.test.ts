import { describe, expect, it } from 'vitest';

import { slept } from '../../src/shell/sleep';

const at = (clock: number, running: number) => ({ clock, running });
const MINUTE = 60_000;

describe('sleep', () => {
  it('is seen where the running time stops, and where no timer ran for long', () => {
    expect(slept(at(0, 0), at(8 * 60 * MINUTE, 20))).toBe(true);
    expect(slept(at(0, 0), at(30_000, 5000))).toBe(true);
    expect(slept(at(0, 0), at(8 * 60 * MINUTE, 8 * 60 * MINUTE))).toBe(true);
  });

  it('is neither a late timer nor a clock that is put right', () => {
    expect(slept(at(0, 0), at(30_000, 30_000))).toBe(false);
    expect(slept(at(0, 0), at(2 * MINUTE, 2 * MINUTE))).toBe(false);
    expect(slept(at(MINUTE, 0), at(0, 30_000))).toBe(false);
    expect(slept(at(0, 0), at(35_000, 30_000))).toBe(false);
  });
});
