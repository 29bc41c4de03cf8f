// Compares pictures of the gallery with earlier ones: `npm run gallery:compare`. Both are taken on
// this computer, since each has fonts of its own; none is in the repository. Ends with 0 when
// nothing differs, with 1 when something does, with 2 when nothing could be compared.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { launch } from '../e2e/pages.mjs';
import { compared } from './compare.mjs';
import { keep, kept, mustBeEmpty } from './kept.mjs';
import { decoded } from './picture.mjs';
import { report, titled, told } from './report.mjs';
import { drawnBy, take } from './take.mjs';

const HELP = `npm run gallery:compare -- [--commit <commit> | --with <folder> | --keep <folder>] [--only <text>] [--report <folder>]

  --commit  compares with how the gallery was at a commit; HEAD if nothing is said
  --keep    takes pictures and keeps them in a folder outside of the repository
  --with    compares with pictures that were kept
  --only    specimens whose name has this text
  --report  where the page with what differs goes; a temporary folder if nothing is said
`;
const web = fileURLToPath(new URL('../..', import.meta.url));
const root = resolve(web, '..');
const say = (words) => void process.stdout.write(`${words}\n`);

let browser;
try {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { commit: text, keep: text, with: text, only: text, report: text, help: { type: 'boolean' } } });
  for (const folder of [values.keep, values.report]) if (folder && isInside(folder)) throw new Error(`${folder} is in the repository`);
  if ([values.commit, values.keep, values.with].filter(Boolean).length > 1) throw new Error('--commit, --with and --keep exclude one another');
  if (values.help) say(HELP);
  else process.exitCode = await run(values);
} catch (cause) {
  process.stderr.write(`${cause.message}\n`);
  process.exitCode = 2;
} finally {
  await browser?.close();
}

function isInside(folder) {
  return !relative(root, resolve(folder)).startsWith('..');
}

async function run({ commit = 'HEAD', keep: keepIn, with: keptIn, only, report: folder }) {
  const earlier = keptIn && kept(keptIn);
  if (keepIn) mustBeEmpty(keepIn);
  browser = await launch();
  const drawn = await drawnBy(browser);
  if (earlier && JSON.stringify(earlier.drawn) !== JSON.stringify(drawn)) {
    throw new Error('these pictures were drawn by another browser or with other fonts: take them again here');
  }
  const fits = ({ name }) => !only || name.includes(only);
  const before = keepIn ? [] : (earlier?.pictures.filter(fits) ?? (await ofCommit(commit, only)));
  const now = await take(web, browser, only);
  if (now.length + before.length === 0) throw new Error('the gallery has no such specimen');
  if (keepIn) {
    keep(keepIn, drawn, now);
    say(`${now.length} pictures are in ${keepIn}`);
    return 0;
  }
  return tell(differences(before, now), folder);
}

/** How the gallery was at a commit, with the packages that are installed now. */
async function ofCommit(commit, only) {
  const folder = mkdtempSync(join(tmpdir(), 'session-gallery-'));
  try {
    const tar = join(folder, 'then.tar');
    execFileSync('git', ['-C', root, 'archive', '-o', tar, commit, 'web', 'client/api/typescript'], { stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync('tar', ['-xf', tar, '-C', folder]);
    const then = join(folder, 'web');
    const lock = (of) => readFileSync(join(of, 'package-lock.json'), 'utf8');
    if (lock(then) !== lock(web)) say(`${commit} had other packages; it is built with those of now`);
    symlinkSync(join(web, 'node_modules'), join(then, 'node_modules'));
    return await take(then, browser, only);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function differences(before, now) {
  const named = (all) => new Map(all.map((one) => [titled(one), one]));
  const [then, today] = [named(before), named(now)];
  const differing = before.flatMap((one) => {
    const after = today.get(titled(one));
    if (!after || after.png.equals(one.png)) return [];
    const difference = compared(decoded(one.png), decoded(after.png));
    return difference.differs ? [{ before: one, after, difference }] : [];
  });
  return {
    compared: before.filter((one) => today.has(titled(one))).length,
    differing: differing.sort((one, other) => other.difference.changed - one.difference.changed),
    gone: before.filter((one) => !today.has(titled(one))),
    added: now.filter((one) => !then.has(titled(one))),
  };
}

function tell(found, folder) {
  const { differing, gone, added } = found;
  for (const { before, difference } of differing) say(`${titled(before)}: ${told(difference)}`);
  for (const one of gone) say(`${titled(one)}: gone`);
  for (const one of added) say(`${titled(one)}: new`);
  say(`${found.compared} pictures compared, ${differing.length} differ, ${gone.length} gone, ${added.length} new`);
  if (differing.length + gone.length + added.length === 0) return 0;
  say(report(folder ?? mkdtempSync(join(tmpdir(), 'session-gallery-report-')), found));
  return 1;
}
