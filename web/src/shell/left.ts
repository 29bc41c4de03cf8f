// Which conversation each account was left in, for as long as the page is open.

import { program } from '../state/program.svelte';
import { restart, router, type Screen } from './router.svelte';
import { isNarrow } from './width.svelte';

/** Places that are about no conversation: they are the same in each account, or of none. */
export const COMMON: readonly Screen[] = ['welcome', 'settings', 'network'];

/** Another account is shown where it was left, and nothing of the one before. */
export function watchAccounts(): void {
  const left = new Map<string, string>();
  program.changedAccount = (from, to) => {
    const { screen, conversation } = router.route;
    if (COMMON.includes(screen)) return;
    if (from && conversation) left.set(from, conversation);
    else if (from) left.delete(from);
    const again = isNarrow() ? undefined : left.get(to);
    restart(again ? { screen: 'chat', conversation: again } : { screen: 'home' });
  };
}
