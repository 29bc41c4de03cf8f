// Deleting messages, and bringing them back.

import type { DeleteScope, TimelineItem } from '../../api/api.gen';
import type { Rpc } from '../../api/rpc';
import { t } from '../../i18n/runtime.svelte';
import { sayFailed } from '../../shell/failed';
import { say } from '../../ui/toasts.svelte';

/** How long bringing back what was deleted here is offered. */
const OFFERED_MS = 10_000;
/** The program can do it for longer, since answers take their time. */
const SPARE_MS = 2000;
const SPARE_EACH_MS = 50;

/** Deletes them; what was deleted on this device alone can be brought back for a while. */
export async function deleteMessages(
  rpc: Rpc,
  account: string,
  messages: readonly TimelineItem[],
  scope: DeleteScope,
): Promise<void> {
  const undo_ms = OFFERED_MS + SPARE_MS + messages.length * SPARE_EACH_MS;
  const undoable: number[] = [];
  let gone = 0;
  try {
    for (const message of messages) {
      if (!('message_id' in message)) continue;
      const { message_id } = message;
      const { undo } = await rpc.call('messages.delete', { account, message_id, scope, undo_ms });
      gone += 1;
      if (undo) undoable.push(message_id);
    }
  } catch (cause) {
    sayFailed(cause);
    if (undoable.length === 0) return;
  }
  if (undoable.length === 0) return;
  say(t('delete.done', { count: gone }), {
    label: t('undo'),
    run: () => void bringBack(rpc, account, undoable),
    within: OFFERED_MS,
  });
}

async function bringBack(rpc: Rpc, account: string, messages: readonly number[]): Promise<void> {
  try {
    const answers = messages.map((message_id) => rpc.call('messages.undelete', { account, message_id }));
    const restored = await Promise.all(answers);
    if (restored.some((answer) => !answer.restored)) say(t('delete.too_late'));
  } catch (cause) {
    sayFailed(cause);
  }
}
