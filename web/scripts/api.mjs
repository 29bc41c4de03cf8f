// Takes the types of the API from the crate that makes them: `node scripts/api.mjs`.
import { readFileSync } from 'node:fs';

import { keep } from './keep.mjs';

const from = new URL('../../client/api/typescript/session-api.ts', import.meta.url);
const to = new URL('../src/api/api.gen.ts', import.meta.url);
keep(to, readFileSync(from, 'utf8'));
