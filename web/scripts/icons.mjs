// Takes the glyphs the page uses out of the Phosphor set: `npm run icons`.
import { readFileSync } from 'node:fs';

import { keep } from './keep.mjs';

const NAMES = [
  'archive', 'arrow-bend-up-left', 'arrow-clockwise', 'arrow-down', 'arrow-left', 'arrow-right', 'at', 'bell', 'bell-slash',
  'caret-down', 'caret-left', 'caret-right', 'chat-circle-dots', 'check', 'check-circle', 'checks', 'clock', 'clock-countdown', 'copy',
  'dots-three', 'dots-three-vertical', 'download-simple', 'eye', 'eye-slash', 'file', 'file-audio', 'file-text', 'file-video',
  'file-zip', 'flag', 'gear-six', 'globe-hemisphere-west', 'hard-drives', 'hand-waving', 'image', 'info', 'key', 'link-simple',
  'lock-simple', 'magnifying-glass', 'microphone', 'moon-stars', 'note-pencil', 'paint-brush', 'paper-plane-right', 'paperclip',
  'pause', 'pencil-simple', 'play', 'plus', 'prohibit', 'push-pin', 'push-pin-slash', 'qr-code', 'question', 'shield-check',
  'sign-out', 'smiley', 'stop', 'trash', 'tree-structure', 'user', 'user-plus', 'users', 'warning', 'warning-circle', 'x',
  'envelope-simple', 'envelope-simple-open', 'keyboard', 'flower', 'fork-knife', 'airplane-tilt', 'soccer-ball', 'lightbulb', 'heart',
];

const folder = new URL('../node_modules/@phosphor-icons/core/assets/regular/', import.meta.url);
const lines = NAMES.sort().map((name) => {
  const svg = readFileSync(new URL(`${name}.svg`, folder), 'utf8');
  const paths = [...svg.matchAll(/<path d="([^"]+)"/g)].map((match) => match[1]);
  if (paths.length !== 1) throw new Error(`${name}: ${paths.length} paths`);
  return `  '${name}': '${paths[0]}',`;
});
keep(
  new URL('../src/ui/icons.gen.ts', import.meta.url),
  `// Made by \`npm run icons\` from Phosphor Icons (MIT), weight regular.\n\nexport const ICONS = {\n${lines.join('\n')}\n} as const;\n\nexport type IconName = keyof typeof ICONS;\n`,
);
