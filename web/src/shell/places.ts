// Which parts of the window a route fills.

import type { Route } from './router.svelte';

export type Parts = {
  side: 'list' | 'new' | 'requests' | 'search' | 'settings' | null;
  main: 'chat' | 'settings' | null;
  panel: boolean;
};

/** On a phone one part fills the window; otherwise list and conversation stand side by side. */
export function parts(route: Route, phone: boolean): Parts {
  const panel = route.screen === 'info' || route.screen === 'message' || route.screen === 'timer';
  const side =
    route.screen === 'new' || route.screen === 'requests' || route.screen === 'search' || route.screen === 'settings'
      ? route.screen
      : 'list';
  const main = route.screen === 'settings' ? 'settings' : 'chat';
  if (!phone) return { side, main, panel };
  if (panel) return { side: null, main: null, panel };
  if (route.screen === 'chat') return { side: null, main, panel: false };
  if (route.screen === 'settings' && route.page) return { side: null, main, panel: false };
  return { side, main: null, panel: false };
}
