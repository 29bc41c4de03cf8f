import '../src/styles/tokens.css';
import '../src/styles/accents.css';
import '../src/styles/reset.css';

import { mount } from 'svelte';

import { startRouter } from '../src/shell/router.svelte';
import { applyPrefs, loadPrefs } from '../src/state/prefs.svelte';
import Gallery from './Gallery.svelte';

// What is looked at is named in the address: `?theme=ink&language=ar&scale=1.5`.
const wanted = new URLSearchParams(location.search);
loadPrefs(
  JSON.stringify({
    theme: wanted.get('theme') ?? 'paper',
    accent: wanted.get('accent') ?? 'juniper',
    language: wanted.get('language') ?? 'en',
    scale: Number(wanted.get('scale') ?? 1),
  }),
);
applyPrefs();
startRouter();
mount(Gallery, { target: document.body });
