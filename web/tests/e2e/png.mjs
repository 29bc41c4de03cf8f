// Small pictures.
import { crc32, deflateSync } from 'node:zlib';

/** One of one colour. */
export function png(width, height, color) {
  return painted(width, height, () => color);
}

/** One whose colours are asked for, line by line: `at(x, y)` gives red, green and blue. */
export function painted(width, height, at) {
  const lines = Buffer.alloc(height * (width * 3 + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) lines.set(at(x, y), y * (width * 3 + 1) + 1 + x * 3);
  }
  return encoded(width, height, lines);
}

function encoded(width, height, lines) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const parts = [
    ['IHDR', head],
    ['IDAT', deflateSync(lines)],
    ['IEND', Buffer.alloc(0)],
  ].map(([name, data]) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts]);
}
