// How large the built page is, compressed as the program serves it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const DIST = process.env.PAGE ?? fileURLToPath(new URL('../../dist/', import.meta.url));

const compressed = (path) => brotliCompressSync(readFileSync(join(DIST, path))).length;
const kilobytes = (paths) => Math.round(paths.reduce((sum, path) => sum + compressed(path), 0) / 100) / 10;

export function sizes() {
  const index = readFileSync(join(DIST, 'index.html'), 'utf8');
  const first = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]);
  const all = readdirSync(join(DIST, 'assets')).map((name) => `assets/${name}`);
  return {
    first_script_kb: kilobytes(first.filter((path) => path.endsWith('.js'))),
    first_style_kb: kilobytes(first.filter((path) => path.endsWith('.css'))),
    everything_kb: kilobytes(['index.html', ...all]),
  };
}
