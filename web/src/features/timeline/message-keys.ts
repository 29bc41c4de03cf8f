// Keys on a focused message. Says which message is to be focused next.

import { copy } from '../../shell/copy';
import type { Action } from '../../shell/keys';
import { go, router } from '../../shell/router.svelte';
import { pressedAction } from '../../shell/shortcuts.svelte';
import type { ChatState, ShownMessage } from './chat-state.svelte';
import { gist } from './text';
import { saveFile } from './transfer.svelte';

export function focusKeys(
  event: KeyboardEvent,
  shown: readonly ShownMessage[],
  focused: string | null,
  chat: ChatState,
): string | null {
  const element = event.target as HTMLElement;
  if (!element.hasAttribute('data-item')) {
    if (event.key === 'Escape') {
      element.closest<HTMLElement>('[data-item]')?.focus();
      event.preventDefault();
    }
    return null;
  }
  const at = shown.findIndex((message) => message.id === focused);
  const message = shown[at];
  const moved = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: shown.length - 1 }[event.key];
  if (moved !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const next = shown[moved];
    if (!next) {
      if (moved >= shown.length) chat.focusComposer();
      return null;
    }
    if (event.shiftKey) {
      if (message && !chat.selected.has(message.message_id)) chat.select(message.message_id);
      if (!chat.selected.has(next.message_id)) chat.select(next.message_id);
    }
    return next.id;
  }
  if (!message) return null;
  const run = fixed(event, message, chat) ?? actions(event, message, chat)[pressedAction(event, 'message') ?? 'goto'];
  if (!run) return null;
  event.preventDefault();
  event.stopPropagation();
  run();
  return null;
}

/** Enter, Escape and the key of the menu. */
function fixed(event: KeyboardEvent, message: ShownMessage, chat: ChatState): (() => void) | undefined {
  const element = event.target as HTMLElement;
  if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
    return () => (chat.asked = { what: 'menu', message, anchor: anchorOf(element) });
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (event.key === 'Enter') {
    return () => element.querySelector<HTMLElement>('[data-bubble] button, [data-bubble] a')?.focus();
  }
  // What is open beside the conversation closes first.
  if (event.key !== 'Escape' || router.route.screen !== 'chat') return undefined;
  return () => {
    if (chat.selecting) chat.endSelection();
    else chat.focusComposer();
  };
}

function anchorOf(element: HTMLElement): DOMRect {
  return element.querySelector('[data-bubble]')?.getBoundingClientRect() ?? element.getBoundingClientRect();
}

function actions(event: KeyboardEvent, message: ShownMessage, chat: ChatState): Partial<Record<Action, () => void>> {
  const element = event.target as HTMLElement;
  const request = chat.row?.request === 'incoming';
  return {
    reply: request ? undefined : () => chat.answer(message),
    react: request ? undefined : () => (chat.asked = { what: 'emoji', message, anchor: anchorOf(element) }),
    copy: () => void copy(gist(message), 'message.copied'),
    message_info: () => go({ screen: 'message', conversation: chat.conversation, message: message.message_id }),
    save: () => void saveAll(chat, message),
    open: () => element.querySelector<HTMLElement>('[data-open]')?.click(),
    select: () => chat.select(message.message_id),
    delete: () => (chat.asked = { what: 'delete', messages: [message] }),
  };
}

async function saveAll(chat: ChatState, message: ShownMessage): Promise<void> {
  for (const file of message.files ?? []) {
    if (file.state.is === 'here' || message.mine) await saveFile(chat, message, file);
  }
}
