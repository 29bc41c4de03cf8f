// Pictures as their pixels: what Chromium writes (PNG, eight bits, not interlaced), read.
import { inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const CHANNELS = { 2: 3, 6: 4 };

/** Width, height, and red, green and blue of each pixel, line by line. */
export function decoded(png) {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error('this is no PNG');
  let head;
  const parts = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') head = data;
    if (name === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const channels = CHANNELS[head[9]];
  if (head[8] !== 8 || !channels || head[12] !== 0) throw new Error('this kind of PNG is not read');
  const lines = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const pixels = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) pixels[pixel * 3 + channel] = lines[pixel * channels + channel];
  }
  return { width, height, pixels };
}

/** Each line begins with how it was told from what is left of it and above it. */
function unfiltered(data, across, height, channels) {
  const out = new Uint8Array(across * height);
  for (let y = 0; y < height; y += 1) {
    const kind = data[y * (across + 1)];
    for (let x = 0; x < across; x += 1) {
      const left = x >= channels ? out[y * across + x - channels] : 0;
      const above = y > 0 ? out[(y - 1) * across + x] : 0;
      const corner = x >= channels && y > 0 ? out[(y - 1) * across + x - channels] : 0;
      out[y * across + x] = data[y * (across + 1) + 1 + x] + guess(kind, left, above, corner);
    }
  }
  return out;
}

function guess(kind, left, above, corner) {
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    default: {
      const sum = left + above - corner;
      const [toLeft, toAbove, toCorner] = [left, above, corner].map((value) => Math.abs(sum - value));
      if (toLeft <= toAbove && toLeft <= toCorner) return left;
      return toAbove <= toCorner ? above : corner;
    }
  }
}
