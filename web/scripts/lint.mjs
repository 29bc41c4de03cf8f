// Checks what compilers do not: which folder may use which, patterns that have no place here,
// length of files, texts without a use and uses without a text.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const MOST_LINES = 400;

/** What a folder of `src` may use besides itself. */
const ARROWS = {
  api: [],
  text: [],
  i18n: [],
  ui: ['text'],
  state: ['api', 'i18n', 'text'],
  features: ['state', 'api', 'ui', 'text', 'i18n', 'shell'],
  shell: ['features', 'state', 'api', 'ui', 'text', 'i18n'],
};

const FORBIDDEN = [
  [/\{@html/, 'raw HTML'],
  [/\.(inner|outer)HTML|insertAdjacentHTML|document\.write/, 'raw HTML'],
  [/\sstyle="/, 'inline style'],
  [/\beval\(|new Function\(/, 'code from text'],
  [/localStorage|indexedDB|document\.cookie|serviceWorker/, 'a store of the browser'],
  [/['"(`]https?:\/\/(?!\))[a-z0-9]/i, 'absolute address'],
  [/console\.\w+\(/, 'console'],
];
const PHYSICAL =
  /(^|[\s;{])(left|right|top|bottom|width|height|(min|max)-(width|height)|(margin|padding|border)-(left|right|top|bottom)(-\w+)*)\s*:(?!:)/;

const problems = [];
const say = (file, line, words) => problems.push(`${relative(root, file)}:${line}: ${words}`);

const files = ['src', 'tests', 'scripts', 'gallery'].flatMap((folder) => walk(join(root, folder)));
const source = [];
for (const file of files) {
  if (file.includes('.gen.') || file.endsWith('lint.mjs')) continue;
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  if (!file.endsWith('.json') && lines.length - 1 > MOST_LINES) say(file, 1, `${lines.length - 1} lines, more than ${MOST_LINES}`);
  if (!file.startsWith(join(root, 'src'))) continue;
  if (!file.endsWith('.json')) source.push(text);
  lines.forEach((line, index) => {
    for (const [pattern, name] of FORBIDDEN) {
      if (pattern.test(line) && !file.endsWith('.json')) say(file, index + 1, name);
    }
  });
  styles(file, text);
  arrows(file, lines);
}
texts();

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write(`lint: ${files.length} files, nothing to say\n`);

function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return walk(path);
    return /\.(ts|svelte|css|json|mjs)$/.test(name) ? [path] : [];
  });
}

/** Sides are named by the direction of the text, in style sheets and in components. */
function styles(file, text) {
  const from = file.endsWith('.css') ? 0 : file.endsWith('.svelte') ? text.indexOf('<style>') : -1;
  if (from < 0) return;
  const before = text.slice(0, from).split('\n').length - 1;
  text
    .slice(from)
    .split('\n')
    .forEach((line, index) => {
      if (PHYSICAL.test(line) && !line.trim().startsWith('@media')) say(file, before + index + 1, 'physical side or size');
    });
}

function arrows(file, lines) {
  const inside = relative(join(root, 'src'), file);
  const folder = inside.split('/')[0];
  const allowed = ARROWS[folder];
  if (!allowed) return;
  lines.forEach((line, index) => {
    const target = /(?:from|import)\s*\(?'(\.[^']+)'/.exec(line)?.[1];
    if (!target) return;
    const other = relative(join(root, 'src'), join(file, '..', target)).split('/')[0];
    if (other !== folder && !allowed.includes(other)) say(file, index + 1, `${folder} uses ${other}`);
  });
}

/** Every text has a use; every use has a text; both languages have the same parameters. */
function texts() {
  const all = source.join('\n');
  const en = JSON.parse(readFileSync(join(root, 'src/i18n/en.json'), 'utf8'));
  const prefixes = [...all.matchAll(/\bt(?:Or)?\(\s*`([a-z_.]+)\$\{/g)].map((match) => match[1]);
  for (const key of Object.keys(en)) {
    if (all.includes(`'${key}'`) || prefixes.some((prefix) => key.startsWith(prefix))) continue;
    say(join(root, 'src/i18n/en.json'), 1, `${key} is not used`);
  }
  for (const [language, needed] of [['ar', ['zero', 'one', 'two', 'few', 'many', 'other']]]) {
    const file = join(root, `src/i18n/${language}.json`);
    const other = JSON.parse(readFileSync(file, 'utf8'));
    for (const [key, entry] of Object.entries(en)) {
      const told = other[key];
      if (told === undefined) say(file, 1, `${key} is missing`);
      else if (typeof entry !== typeof told) say(file, 1, `${key} has another shape`);
      else if (typeof told === 'object' && !needed.every((form) => form in told)) say(file, 1, `${key} has not all plural forms`);
      else if (typeof told === 'string' && params(told) !== params(entry)) say(file, 1, `${key} has other parameters`);
    }
    for (const key of Object.keys(other)) if (!(key in en)) say(file, 1, `${key} is unknown`);
  }
}

function params(text) {
  return [...new Set([...text.matchAll(/\{\w+\}/g)].map((match) => match[0]))].sort().join(' ');
}
