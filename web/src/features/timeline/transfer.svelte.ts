// Asking for files and saving them.

import type { FileView } from '../../api/api.gen';
import { download } from '../../api/media';
import { t } from '../../i18n/runtime.svelte';
import { sayFailed } from '../../shell/failed';
import { fileName } from '../../text/names';
import { say } from '../../ui/toasts.svelte';
import type { ChatState, ShownMessage } from './chat-state.svelte';

export function fetchFile(chat: ChatState, message: number, file: FileView): void {
  const of = { account: chat.account.id, message_id: message, index: file.index };
  chat.account.rpc.call('files.download', of).catch(sayFailed);
}

export function cancelFile(chat: ChatState, message: number, file: FileView): void {
  const of = { account: chat.account.id, message_id: message, index: file.index };
  chat.account.rpc.call('files.cancel', of).catch(sayFailed);
}

/** Gives a file to the browser's downloads, and tells its sender, as other clients do. */
export async function saveFile(chat: ChatState, message: ShownMessage, file: FileView): Promise<void> {
  const { stem, extension } = fileName(file.name);
  try {
    await download(chat.account.rpc, chat.account.id, message.message_id, file.index, (stem || 'file') + extension);
    if (message.mine || chat.note) return;
    const of = { account: chat.account.id, conversation: chat.conversation, saved: message.sent_at };
    await chat.account.rpc.call('conversations.tell_extraction', of);
    say(t('files.saved', { name: chat.person(chat.conversation).name }));
  } catch (cause) {
    sayFailed(cause);
  }
}

/** How far a file is, from 0 to 1; nothing when it does not move. */
export function part(file: FileView): number | null {
  return file.state.is === 'moving' && file.state.total > 0 ? file.state.done / file.state.total : null;
}
