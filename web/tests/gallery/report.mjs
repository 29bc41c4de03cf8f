// A page to look at what differs: before, after, difference.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { shown } from './compare.mjs';
import { decoded } from './picture.mjs';
import { fileName } from './kept.mjs';

const STYLE = `
  body { font: 15px/1.4 system-ui, sans-serif; margin: 24px; background: #eee; color: #222; }
  section { display: flex; flex-wrap: wrap; gap: 16px; align-items: start; }
  figure { margin: 0 0 24px; }
  img { display: block; max-width: 100%; border: 1px solid #999; }
  h2 { font-size: 17px; margin: 24px 0 8px; }`;

/** Writes it into a folder; gives its path. */
export function report(folder, { differing, gone, added }) {
  mkdirSync(folder, { recursive: true });
  const sections = differing.map(({ before, after, difference }, at) => {
    const figures = [
      ['before', before.png],
      ['after', after.png],
      ['difference', shown(decoded(before.png), difference)],
    ].map(([what, png]) => {
      const file = `${at}-${what}-${fileName(before)}`;
      writeFileSync(join(folder, file), png);
      return `<figure><figcaption>${what}</figcaption><img src="${file}" alt="${escaped(before.name)}, ${what}"></figure>`;
    });
    return `<h2>${escaped(titled(before))}: ${told(difference)}</h2><section>${figures.join('')}</section>`;
  });
  const lists = [
    ['Gone', gone],
    ['New', added],
  ].map(([title, all]) => (all.length > 0 ? `<h2>${title}</h2><ul>${all.map((one) => `<li>${escaped(titled(one))}</li>`).join('')}</ul>` : ''));
  const page = join(folder, 'index.html');
  writeFileSync(
    page,
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>What differs in the gallery</title><style>${STYLE}</style>
<h1>What differs in the gallery</h1><p>Red: changed. Yellow: changed at edges.</p>${lists.join('')}${sections.join('\n')}</html>\n`,
  );
  return page;
}

export const titled = ({ look, name }) => `${look}, ${name}`;

export function told({ changed, atEdges }) {
  return `${changed} pixels changed, ${atEdges} more at edges`;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
