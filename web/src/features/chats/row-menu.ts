// What can be done with a conversation from the list.

import type { ConversationItem } from '../../api/api.gen';
import { t } from '../../i18n/runtime.svelte';
import { copy } from '../../shell/copy';
import { sayFailed } from '../../shell/failed';
import { go } from '../../shell/router.svelte';
import type { Account } from '../../state/account.svelte';
import type { MenuEntry } from '../../ui/Menu.svelte';
import { say } from '../../ui/toasts.svelte';

const HOUR_MS = 3_600_000;

export function rowMenu(account: Account, row: ConversationItem, ask: (what: 'block' | 'delete' | 'mute') => void): MenuEntry[] {
  const of = { account: account.id, conversation: row.id };
  const note = row.kind === 'note_to_self';
  const unread = row.unread > 0 || row.marked_unread;
  const run = (call: Promise<unknown>) => {
    call.catch(sayFailed);
  };
  const entries: MenuEntry[] = [
    {
      label: row.pinned ? t('row.unpin') : t('row.pin'),
      icon: row.pinned ? 'push-pin-slash' : 'push-pin',
      run: () => run(account.rpc.call('conversations.pin', { ...of, pinned: !row.pinned })),
    },
    {
      label: unread ? t('row.read') : t('row.mark'),
      icon: unread ? 'envelope-simple-open' : 'envelope-simple',
      run: () =>
        run(
          unread
            ? account.rpc.call('conversations.mark_read', of)
            : account.rpc.call('conversations.mark_unread', { ...of, unread: true }),
        ),
    },
  ];
  if (!note) {
    entries.push({
      label: row.muted ? t('row.unmute') : t('row.mute'),
      icon: row.muted ? 'bell' : 'bell-slash',
      run: () => (row.muted ? run(unmute(account, row)) : ask('mute')),
    });
  }
  entries.push({ label: t('details'), icon: 'info', run: () => go({ screen: 'info', conversation: row.id }) });
  entries.push({ label: t('id.copy'), icon: 'copy', run: () => void copy(row.id, 'id.copied') });
  entries.push({ separator: true });
  if (!note) {
    entries.push({
      label: row.blocked ? t('unblock') : t('block'),
      icon: 'prohibit',
      danger: !row.blocked,
      run: () =>
        row.blocked
          ? run(account.rpc.call('contacts.block', { account: account.id, person: row.id, blocked: false }))
          : ask('block'),
    });
  }
  entries.push({ label: t('row.delete'), icon: 'trash', danger: true, run: () => ask('delete') });
  return entries;
}

export function unmute(account: Account, row: ConversationItem): Promise<unknown> {
  const notify = row.notify === 'off' ? 'default' : row.notify;
  return account.rpc.call('conversations.notify', { account: account.id, conversation: row.id, notify, muted_until: null });
}

/** Off for good with a word and a way back, or on again. */
export function toggleMuted(account: Account, row: ConversationItem): void {
  const of = { account: account.id, conversation: row.id };
  const undo = () => void unmute(account, row).catch(sayFailed);
  if (row.muted) {
    unmute(account, row)
      .then(() => say(t('row.now_heard')))
      .catch(sayFailed);
  } else {
    account.rpc
      .call('conversations.notify', { ...of, notify: 'off' })
      .then(() => say(t('row.now_muted'), { label: t('undo'), run: undo }))
      .catch(sayFailed);
  }
}

export function muteMenu(account: Account, row: ConversationItem): MenuEntry[] {
  const of = { account: account.id, conversation: row.id };
  const mute = (label: string, change: { notify?: 'off'; muted_until?: number }): MenuEntry => ({
    label,
    icon: 'bell-slash',
    run: () => {
      account.rpc
        .call('conversations.notify', { ...of, ...change })
        .then(() => say(t('row.now_muted'), { label: t('undo'), run: () => void unmute(account, row).catch(sayFailed) }))
        .catch(sayFailed);
    },
  });
  const after = (hours: number) => ({ muted_until: Date.now() + hours * HOUR_MS });
  return [
    mute(t('mute.hour'), after(1)),
    mute(t('mute.evening'), after(8)),
    mute(t('mute.week'), after(24 * 7)),
    mute(t('mute.always'), { notify: 'off' }),
  ];
}
