// The height of a recording over time, in so many bars.

/** Heights that were found before, from 0 to 255, in another number of bars. */
export function heights(parts: readonly number[], bars: number): number[] {
  const highest = Math.max(1, ...parts);
  return Array.from({ length: bars }, (_, bar) => {
    const from = Math.floor((bar * parts.length) / bars);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * parts.length) / bars));
    return Math.max(0, ...parts.slice(from, to)) / highest;
  });
}

export function peaks(samples: Float32Array, bars: number): number[] {
  const step = Math.max(1, Math.floor(samples.length / bars));
  const heights: number[] = [];
  let highest = 0.01;
  for (let bar = 0; bar < bars; bar += 1) {
    let top = 0;
    const end = Math.min(samples.length, (bar + 1) * step);
    for (let at = bar * step; at < end; at += 8) top = Math.max(top, Math.abs(samples[at] ?? 0));
    heights.push(top);
    highest = Math.max(highest, top);
  }
  return heights.map((height) => height / highest);
}
