// What differs between two pictures.
//
// A pixel differs when a channel does by more than `NOTHING`. Where edges and letters are drawn a
// hair's breadth aside, pixels differ that nobody sees: each is between what was around it before,
// and what it was is between what is around it now. A few of those are let pass; many are a thing
// that moved.
import { painted } from '../e2e/png.mjs';

/** Of 255. */
export const NOTHING = 2;
/** Pixels at edges that may differ in a picture. */
export const MOST_AT_EDGES = 12;

const SAME = 0;
const AT_EDGE = 1;
const CHANGED = 2;

/** How many pixels changed, how many of them at edges only, and whether that is too much. */
export function compared(before, after) {
  const width = Math.max(before.width, after.width);
  const height = Math.max(before.height, after.height);
  const marks = new Uint8Array(width * height);
  let changed = 0;
  let atEdges = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const mark = judged(before, after, x, y);
      marks[y * width + x] = mark;
      if (mark === CHANGED) changed += 1;
      if (mark === AT_EDGE) atEdges += 1;
    }
  }
  return { differs: changed > 0 || atEdges > MOST_AT_EDGES, changed, atEdges, width, height, marks };
}

/** A picture of it: what was there, pale; what changed, red; what changed at edges, yellow. */
export function shown(before, { width, height, marks }) {
  return painted(width, height, (x, y) => {
    const mark = marks[y * width + x];
    if (mark === CHANGED) return [220, 0, 40];
    if (mark === AT_EDGE) return [240, 170, 0];
    if (!within(before, x, y)) return [255, 255, 255];
    const at = (y * before.width + x) * 3;
    const grey = (before.pixels[at] + before.pixels[at + 1] + before.pixels[at + 2]) / 3;
    return Array(3).fill(200 + Math.round((grey * 55) / 255));
  });
}

const within = (picture, x, y) => x >= 0 && y >= 0 && x < picture.width && y < picture.height;

function judged(before, after, x, y) {
  if (!within(before, x, y) || !within(after, x, y)) return CHANGED;
  for (let channel = 0; channel < 3; channel += 1) {
    if (Math.abs(value(before, x, y, channel) - value(after, x, y, channel)) > NOTHING) {
      return between(before, after, x, y) && between(after, before, x, y) ? AT_EDGE : CHANGED;
    }
  }
  return SAME;
}

/** Whether a pixel of one picture lies between those around it in the other. */
function between(one, other, x, y) {
  for (let channel = 0; channel < 3; channel += 1) {
    const here = value(one, x, y, channel);
    let [least, most] = [255, 0];
    for (let dy = -1; dy <= 1; dy += 1) {
      for (let dx = -1; dx <= 1; dx += 1) {
        if (!within(other, x + dx, y + dy)) continue;
        const near = value(other, x + dx, y + dy, channel);
        least = Math.min(least, near);
        most = Math.max(most, near);
      }
    }
    if (here < least - NOTHING || here > most + NOTHING) return false;
  }
  return true;
}

function value(picture, x, y, channel) {
  return picture.pixels[(y * picture.width + x) * 3 + channel];
}
