import './styles/tokens.css';
import './styles/accents.css';
import './styles/reset.css';

import { mount } from 'svelte';

import App from './shell/App.svelte';
import { startRouter } from './shell/router.svelte';
import { applyPrefs } from './state/prefs.svelte';
import { program } from './state/program.svelte';

applyPrefs();
startRouter();
mount(App, { target: document.body });
program.start().catch(() => {
  program.refusal = 'unreachable';
});
