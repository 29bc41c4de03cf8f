import { expect, it } from 'vitest';

import { partAround } from '../../src/features/settings/square';

it('stays inside the picture', () => {
  expect(partAround(1200, 800, 600, 400, 1)).toEqual({ x: 200, y: 0, side: 800 });
  expect(partAround(1200, 800, 0, 0, 1)).toEqual({ x: 0, y: 0, side: 800 });
  expect(partAround(1200, 800, 5000, 5000, 2)).toEqual({ x: 800, y: 400, side: 400 });
  expect(partAround(10, 400, 5, 200, 0.1)).toEqual({ x: 0, y: 195, side: 10 });
});
