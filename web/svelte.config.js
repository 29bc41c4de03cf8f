import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Elements are built one by one: the page works under `trusted-types 'none'`.
    fragments: 'tree',
  },
};
