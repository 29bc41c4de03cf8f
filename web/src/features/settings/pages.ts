// The pages of the settings, in their order.

import type { TextKey } from '../../i18n/runtime.svelte';
import type { Account } from '../../state/account.svelte';
import type { IconName } from '../../ui/icons.gen';

export type Page = { id: string; title: TextKey; icon: IconName };

export const PAGES: readonly Page[] = [
  { id: 'account', title: 'settings.account', icon: 'user' },
  { id: 'recovery', title: 'recovery_password', icon: 'key' },
  { id: 'privacy', title: 'settings.privacy', icon: 'shield-check' },
  { id: 'notifications', title: 'notifications', icon: 'bell' },
  { id: 'chats', title: 'settings.chats', icon: 'chat-circle-dots' },
  { id: 'blocked', title: 'settings.blocked', icon: 'prohibit' },
  { id: 'appearance', title: 'settings.appearance', icon: 'paint-brush' },
  { id: 'storage', title: 'settings.storage', icon: 'hard-drives' },
  { id: 'network', title: 'settings.network', icon: 'tree-structure' },
  { id: 'shortcuts', title: 'settings.shortcuts', icon: 'keyboard' },
  { id: 'help', title: 'settings.help', icon: 'question' },
  { id: 'about', title: 'settings.about', icon: 'info' },
];

/** The pages there are: a Recovery Password that was hidden for good has none. */
export function pagesOf(account: Account): readonly Page[] {
  return account.settings?.recovery_hidden ? PAGES.filter((page) => page.id !== 'recovery') : PAGES;
}
