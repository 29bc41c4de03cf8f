// Ends with an error, and says what is wanted, when this Node.js is too old to build the page.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = engines.node.replace(/^>=/, '');
const numbers = (version) => version.split('.').map(Number);
const [major, minor] = numbers(wanted);
const [ownMajor, ownMinor] = numbers(process.versions.node);
if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
  process.stdout.write(`the page needs Node.js ${wanted} or newer\n`);
  process.exitCode = 1;
}
