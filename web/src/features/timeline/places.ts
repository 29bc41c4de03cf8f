// Where the reader was in conversations that were left scrolled up, for a day.

const KEPT_MS = 24 * 3_600_000;

type Place = { message: number; shift: number; at: number };
const places = new Map<string, Place>();

export function keepPlace(account: string, conversation: string, message: number | null, shift: number): void {
  const key = `${account} ${conversation}`;
  if (message === null) places.delete(key);
  else places.set(key, { message, shift, at: Date.now() });
}

export function recall(account: string, conversation: string): Place | null {
  const place = places.get(`${account} ${conversation}`);
  return place && Date.now() - place.at < KEPT_MS ? place : null;
}
