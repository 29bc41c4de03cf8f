// Why nothing can be written in a room: the weightiest reason first.

import type { Milliseconds } from '../../api/api.gen';
import { hours, type Clock } from '../../text/time';
import type { RoomView } from './types';

export type Barred = 'gone' | 'banned' | 'muted' | 'read_only';

export function barred(view: RoomView): Barred | null {
  if (view.reach.is === 'gone') return 'gone';
  if (view.banned) return 'banned';
  // Neither applies to moderators.
  if (view.role !== 'reader') return null;
  if (view.muted) return 'muted';
  return view.rights.write ? null : 'read_only';
}

/** A time to come: the clock today, else the date with it. */
export function until(at: Milliseconds, now: Milliseconds, locale: string, clock: Clock): string {
  const [day, today] = [new Date(at), new Date(now)];
  if (day.toDateString() === today.toDateString()) return hours(at, locale, clock);
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: day.getFullYear() === today.getFullYear() ? undefined : 'numeric',
    hour: clock === '24' ? '2-digit' : 'numeric',
    minute: '2-digit',
    hourCycle: clock === 'locale' ? undefined : clock === '12' ? 'h12' : 'h23',
  }).format(at);
}
