// A message as plain text: to be copied, to be spoken.

import type { MessageItem } from '../../api/api.gen';
import { t } from '../../i18n/runtime.svelte';

export function plain(message: MessageItem): string {
  return message.spans
    .map((span) => (span.kind === 'text' ? span.text : span.kind === 'link' ? span.url : `@${span.name}`))
    .join('');
}

/** What a message is about, in a line. */
export function gist(message: MessageItem): string {
  if (message.invitation) return t('row.invitation', { name: message.invitation.name });
  const text = plain(message);
  if (text !== '') return text;
  return message.attachments > 0 ? t('row.files', { count: message.attachments }) : '';
}
