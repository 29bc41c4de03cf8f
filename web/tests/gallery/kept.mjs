// Pictures in a folder, to be compared with later ones.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ABOUT = 'gallery.json';

/** A name for a file, for the names of specimens that differ in letters and digits. */
export function fileName({ look, name }) {
  return `${look}-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.png`;
}

export function mustBeEmpty(folder) {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
}

export function keep(folder, drawn, pictures) {
  const list = pictures.map(({ look, name }, at) => ({ look, name, file: `${at}-${fileName({ look, name })}` }));
  for (const [at, { file }] of list.entries()) writeFileSync(join(folder, file), pictures[at].png);
  writeFileSync(join(folder, ABOUT), `${JSON.stringify({ drawn, pictures: list }, null, 1)}\n`);
}

export function kept(folder) {
  const about = join(folder, ABOUT);
  if (!existsSync(about)) throw new Error('there are no pictures of the gallery in this folder');
  const { drawn, pictures } = JSON.parse(readFileSync(about, 'utf8'));
  return { drawn, pictures: pictures.map((one) => ({ ...one, png: readFileSync(join(folder, one.file)) })) };
}
