// Makes the list of emoji of the picker out of emojibase: `npm run emoji`.
import { readFileSync } from 'node:fs';

import { keep } from './keep.mjs';

const folder = new URL('../node_modules/emojibase-data/en/', import.meta.url);
const data = JSON.parse(readFileSync(new URL('data.json', folder), 'utf8'));

/** Groups of the picker: smileys, people, nature, food, travel, activities, objects, symbols, flags. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];
const groups = GROUPS.map((number) =>
  data
    .filter((one) => one.group === number && one.version <= 15)
    .sort((one, other) => one.order - other.order)
    .map((one) => {
      const tones = (one.skins ?? []).filter((skin) => typeof skin.tone === 'number').map((skin) => skin.emoji);
      const words = (one.tags ?? []).slice(0, 6).join(' ');
      return tones.length === 5 ? [one.emoji, one.label, words, tones] : [one.emoji, one.label, words];
    }),
);
keep(new URL('../src/features/composer/emoji.gen.json', import.meta.url), `${JSON.stringify(groups)}\n`);
