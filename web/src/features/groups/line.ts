// The line below the name of a conversation where several write.

import { preview } from '../chats/preview';
import type { RowLine } from '../chats/RowFrame.svelte';
import type { Person } from '../../api/api.gen';
import { shortened, tail } from '../../text/names';
import { t } from './texts';
import type { Listed } from './types';

/** Longer names would leave no room for what was said. */
const MOST_OF_A_NAME = 16;

export function lineOf(item: Listed): RowLine {
  const author = item.last?.author;
  const line = preview({
    ...item,
    kind: 'person',
    // Who writes is said before the text: the line itself names nobody.
    person: { id: item.id, name: '', named: false, avatar: { color: 0, ring: 0 } },
    typing: false,
    blocked: false,
    request: 'none',
  });
  if (line.prefix || !author) return line;
  return { ...line, author: t('several.said', { name: shortened(author.name, MOST_OF_A_NAME) }) };
}

/** Spoken after the row. */
export function notesOf(item: Listed): string[] {
  return item.mentions > 0 ? [t('several.mentions', { count: item.mentions })] : [];
}

/** Somebody whom the user may not know: never a name alone. */
export function withTail(person: Person): string {
  return `${shortened(person.name, 40)} ·${tail(person.id)}`;
}
