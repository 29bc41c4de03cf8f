// Words for what did not succeed.

import { codeOf } from '../api/rpc';
import { tOr } from '../i18n/runtime.svelte';
import { say } from '../ui/toasts.svelte';

export function reason(cause: unknown): string {
  return tOr(`error.${codeOf(cause)}`, 'error.page.unknown');
}

/** Tells the user; for calls whose failure changes nothing on screen. */
export function sayFailed(cause: unknown): void {
  say(reason(cause));
}
