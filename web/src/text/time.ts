// Times, durations, sizes as people read them.

const DAY_MS = 86_400_000;

/** Formatters that were made: making one takes far longer than using it. */
const made = new Map<string, Intl.DateTimeFormat>();

function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const known = made.get(key);
  if (known) return known;
  const fresh = new Intl.DateTimeFormat(locale, options);
  made.set(key, fresh);
  return fresh;
}

export type Clock = 'locale' | '12' | '24';

export function hours(at: number, locale: string, clock: Clock): string {
  const hourCycle = clock === 'locale' ? undefined : clock === '12' ? 'h12' : 'h23';
  return dates(locale, { hour: clock === '24' ? '2-digit' : 'numeric', minute: '2-digit', hourCycle }).format(at);
}

/** The time in a row of the list: the clock today, then the day, then the date. */
export function rowTime(at: number, now: number, locale: string, clock: Clock): string {
  const days = daysBetween(at, now);
  if (days <= 0) return hours(at, locale, clock);
  if (days === 1) return capital(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-1, 'day'), locale);
  if (days < 7) return dates(locale, { weekday: 'short' }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dates(locale, { day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' }).format(at);
}

/** The caption over a day of a conversation. */
export function dayTitle(date: string, now: number, locale: string): string {
  const at = new Date(`${date}T12:00:00`).getTime();
  const days = daysBetween(at, now);
  if (days === 0 || days === 1) {
    return capital(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day'), locale);
  }
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dates(locale, { weekday: 'long', day: 'numeric', month: 'long', year: sameYear ? undefined : 'numeric' }).format(at);
}

export function fullTime(at: number, locale: string): string {
  return dates(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(at);
}

const UNITS = [
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** The largest unit that says it exactly enough: "6 days". */
export function duration(seconds: number, locale: string): string {
  const [unit, length] = UNITS.find(([, size]) => seconds >= size && (seconds % size === 0 || seconds >= 2 * size)) ?? UNITS[4];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor(seconds / length));
}

/** Minutes and seconds of a recording. */
export function playTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

export function size(bytes: number, locale: string): string {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < SIZES.length - 1) {
    value /= 1000;
    step += 1;
  }
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: SIZES[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

function daysBetween(at: number, now: number): number {
  const start = (time: number) => {
    const day = new Date(time);
    return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  };
  return Math.round((start(now) - start(at)) / DAY_MS);
}

function capital(text: string, locale: string): string {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}
