import { expect, it } from 'vitest';

import { heights, peaks } from '../../src/features/timeline/peaks';

it('shows a recording in as many bars as there is room for', () => {
  expect(heights([0, 255, 0, 51], 2)).toEqual([1, 0.2]);
  expect(heights([10, 20], 4)).toEqual([0.5, 0.5, 1, 1]);
  expect(heights([], 3)).toEqual([0, 0, 0]);
  const loud = peaks(Float32Array.from({ length: 800 }, (_, at) => (at < 400 ? 0.25 : -0.5)), 2);
  expect(loud).toEqual([0.5, 1]);
});
