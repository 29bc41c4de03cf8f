// Whether the computer slept between two looks at its clocks.

/** The time of day, and how long the page has been running. */
export type Moment = { clock: number; running: number };

/** A clock that is put right moves less. */
const LEAST_MS = 20_000;
/** Timers of a page in the background are late, but not so late. */
const LATEST_MS = 180_000;

/**
 * Most computers stop the running time while they sleep: the time of day is then ahead of it.
 * Where it goes on, no timer ran for long.
 */
export function slept(before: Moment, after: Moment): boolean {
  const passed = after.clock - before.clock;
  const ran = after.running - before.running;
  return passed - ran > LEAST_MS || ran > LATEST_MS;
}
