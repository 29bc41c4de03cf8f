// A voice message, and the one after it.

import type { FileView, TimelineItem } from '../../api/api.gen';

type Message = Extract<TimelineItem, { kind: 'message' }>;
export type Voice = { message: Message; file: FileView };

export const nameOf = ({ message, file }: Voice) => `${message.message_id}:${file.index}`;
export const isHere = ({ message, file }: Voice) => file.state.is === 'here' || message.mine;
export const typeOf = (file: FileView) => (file.mime ?? 'audio/webm').split(';')[0] ?? 'audio/webm';

/**
 * The voice message that comes after one, if it is of the same person, is on this device, and
 * nobody wrote anything between the two.
 */
export function following(items: readonly TimelineItem[], { message, file }: Voice): Voice | null {
  const at = items.findIndex((item) => item.kind === 'message' && item.message_id === message.message_id);
  if (at < 0) return null;
  for (const item of items.slice(at)) {
    if (item.kind === 'day' || item.kind === 'unread') continue;
    if (item.kind !== 'message' || item.author !== message.author) return null;
    const same = item.message_id === message.message_id;
    const next = (item.files ?? []).find((other) => other.voice && (!same || other.index > file.index));
    if (next) return isHere({ message: item, file: next }) ? { message: item, file: next } : null;
    if (!same) return null;
  }
  return null;
}
