// The gallery: for those who build the page. No build of the page has anything of it.
import { fileURLToPath } from 'node:url';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root: here,
  plugins: [svelte({ configFile: `${here}../svelte.config.js` })],
  server: { fs: { allow: [`${here}..`] } },
  build: { target: 'es2023', outDir: `${here}../dist-gallery`, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
