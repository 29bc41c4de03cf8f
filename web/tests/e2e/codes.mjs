// QR codes as pictures, and as a film that the browser takes for what its camera sees.
import { writeFileSync } from 'node:fs';

import { painted } from './png.mjs';

const MARGIN = 4;
const SIDE = 360;
const FRAMES_A_SECOND = 4;

/** How bright a square picture of a code is, at (x, y) of 0 to `SIDE`: 0 or 255. */
function brightness(rows) {
  const scale = Math.floor(SIDE / (rows.length + 2 * MARGIN));
  return (x, y) => (rows[Math.floor(y / scale) - MARGIN]?.[Math.floor(x / scale) - MARGIN] === '1' ? 0 : 255);
}

/** A picture of the fields that `qr.make` gives. */
export function picture(rows) {
  const at = brightness(rows);
  return painted(SIDE, SIDE, (x, y) => Array(3).fill(at(x, y)));
}

/** Writes a film (Y4M) that shows codes one after another, each for some seconds, again and again. */
export function film(path, codes, seconds = 3) {
  const grey = Buffer.alloc(SIDE * SIDE / 2, 128);
  const parts = [`YUV4MPEG2 W${SIDE} H${SIDE} F${FRAMES_A_SECOND}:1 Ip C420jpeg\n`];
  for (const rows of codes) {
    const at = brightness(rows);
    const light = Buffer.alloc(SIDE * SIDE);
    for (let pixel = 0; pixel < light.length; pixel += 1) light[pixel] = at(pixel % SIDE, Math.floor(pixel / SIDE));
    for (let frame = 0; frame < seconds * FRAMES_A_SECOND; frame += 1) parts.push('FRAME\n', light, grey);
  }
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
}
