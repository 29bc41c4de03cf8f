// One line about the newest message of a conversation.

import type { ConversationItem, Delivery } from '../../api/api.gen';
import { t } from '../../i18n/runtime.svelte';
import type { IconName } from '../../ui/icons.gen';

export type Preview = { prefix?: string; text: string; icon?: IconName; iconText?: string; danger?: boolean };

export function preview(row: ConversationItem): Preview {
  if (row.typing) return { text: t('row.typing') };
  if (row.draft || row.draft_files) {
    return { prefix: t('row.draft'), text: row.draft || t('row.files', { count: row.draft_files ?? 0 }) };
  }
  if (row.blocked) return { text: t('row.blocked') };
  const last = row.last;
  if (!last) return { text: row.kind === 'note_to_self' ? t('row.note') : t('row.nothing') };
  const state = last.mine && row.kind === 'person' && last.kind !== 'deleted' ? sign(last.state) : {};
  return { ...state, text: words(last.kind, last.text, last.attachments, last.mine) };
}

function words(kind: string, text: string, attachments: number, mine: boolean): string {
  switch (kind) {
    case 'invitation':
      return t('row.invitation', { name: text });
    case 'timer_changed':
      return t('row.timer');
    case 'request_accepted':
      return t('row.accepted');
    case 'screenshot':
      return t('row.screenshot');
    case 'media_saved':
      return t('row.saved');
    case 'deleted':
      return mine ? t('deleted.mine') : t('row.deleted');
    default:
      return text === '' && attachments > 0 ? t('row.files', { count: attachments }) : text;
  }
}

/** Icon and words of where an own message stands. */
export function sign(state: Delivery): { icon?: IconName; iconText?: string; danger?: boolean } {
  switch (state.is) {
    case 'sending':
      return { icon: 'clock-countdown', iconText: t('state.sending') };
    case 'waiting':
      return { icon: 'clock', iconText: t('state.waiting') };
    case 'sent':
      return { icon: 'check', iconText: t('state.sent') };
    case 'read':
      return { icon: 'checks', iconText: t('state.read') };
    case 'failed':
      return { icon: 'warning-circle', iconText: t('state.failed'), danger: true };
    default:
      return {};
  }
}
