// Writes a generated file only when it is another one now: whoever watches the folder sees no
// change otherwise.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export function keep(url, text) {
  if (existsSync(url) && readFileSync(url, 'utf8') === text) return;
  writeFileSync(url, text);
}
