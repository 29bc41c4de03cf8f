// Copying with a word that it happened.

import { t, type TextKey } from '../i18n/runtime.svelte';
import { say } from '../ui/toasts.svelte';

export async function copy(text: string, said: TextKey): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(t(said));
  } catch {
    say(t('copy.failed'));
  }
}
