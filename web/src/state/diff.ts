// Applies what the core tells of a list. Positions are those the changes before have left.

export type Op<T> =
  | { op: 'reset'; items: T[] }
  | { op: 'splice'; at: number; remove: number; insert: T[] }
  | { op: 'set'; at: number; item: T };

export type Place = { gen: number; seq: number };

/** The list after the changes, or nothing when they do not fit it. */
export function applyOps<T>(items: readonly T[], ops: readonly Op<T>[]): T[] | null {
  let list = items.slice();
  for (const op of ops) {
    if (op.op === 'reset') {
      list = op.items.slice();
    } else if (op.op === 'splice') {
      if (op.at < 0 || op.remove < 0 || op.at + op.remove > list.length) return null;
      list.splice(op.at, op.remove, ...op.insert);
    } else {
      if (op.at < 0 || op.at >= list.length) return null;
      list[op.at] = op.item;
    }
  }
  return list;
}

/** Whether a diff is the next one. */
export function fits(place: Place, next: Place, ops: readonly { op: string }[]): boolean {
  const resets = ops.filter((op) => op.op === 'reset').length;
  return next.seq === place.seq + 1 && next.gen === place.gen + resets;
}
