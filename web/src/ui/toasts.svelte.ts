// Short words about what happened, one at a time.

/** What can be done about it; `within` is how long that is possible. */
export type Action = { label: string; run: () => void; within?: number };
export type Toast = { id: number; text: string; action?: Action };

let next = 1;

export const toasts = $state<{ list: Toast[]; held: boolean }>({ list: [], held: false });

export function say(text: string, action?: Action): void {
  toasts.held = false;
  toasts.list = [{ id: next++, text, action }];
}

/** Leaves no word of what was said. */
export function clearToasts(): void {
  toasts.list = [];
}

export function dismiss(): void {
  toasts.list = toasts.list.slice(1);
  toasts.held = false;
}
