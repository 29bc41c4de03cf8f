// Arithmetic of what was measured.

const FRAME_MS = 1000 / 60;

export const round = (value, digits = 1) => Number(value.toFixed(digits));

export function part(values, which) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * which))] ?? 0;
}

export const median = (values) => part(values, 0.5);

/** Median and worst of each field of several measurements. */
export function several(runs) {
  const fields = Object.keys(runs[0]);
  return Object.fromEntries(
    fields.map((field) => {
      const values = runs.map((run) => run[field]);
      return [field, { median: round(median(values)), worst: round(Math.max(...values)) }];
    }),
  );
}

/** What times of frames say. A frame that took the place of several has left the others out. */
export function frames(times) {
  const gaps = times.slice(1).map((at, index) => at - times[index]);
  const left = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / FRAME_MS) - 1), 0);
  const seconds = (times.at(-1) - times[0]) / 1000;
  return {
    frames: times.length,
    left_out: left,
    per_second: round((times.length - 1) / seconds),
    longest_gap: round(Math.max(0, ...gaps)),
  };
}
