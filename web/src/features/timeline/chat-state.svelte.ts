// What is going on in the conversation that is open: what is answered, selected, asked.

import { getContext, setContext } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';

import type { ConversationItem, Person, TimelineItem } from '../../api/api.gen';
import { t } from '../../i18n/runtime.svelte';
import { sayFailed } from '../../shell/failed';
import { announce } from '../../shell/announcer.svelte';
import type { Account } from '../../state/account.svelte';
import { usedEmoji } from '../../state/prefs.svelte';
import { stranger } from '../../state/program.svelte';
import type { Timeline } from '../../state/timeline.svelte';
import type { Anchor } from '../../ui/place';
import { gist } from './text';
import { Voices } from './voices.svelte';

export type ShownMessage = Extract<TimelineItem, { kind: 'message' }>;
/** A message that is being answered. */
export type Answered = { message_id: number; author: string; mine: boolean; words: string };
export type Asked =
  | { what: 'menu'; message: ShownMessage; anchor: Anchor }
  | { what: 'emoji'; message: ShownMessage; anchor: Anchor }
  | { what: 'delete'; messages: TimelineItem[] }
  | { what: 'link'; url: string }
  | { what: 'view'; message: number; index: number };

/** A place in the conversation: a message at the top of the view, or the end. */
export type Spot = { message: number; shift: number } | 'end';

const RETURN_MS = 20_000;

export class ChatState {
  reply = $state.raw<Answered | null>(null);
  asked = $state.raw<Asked | null>(null);
  selecting = $state(false);
  flashed = $state<number | null>(null);
  /** Where the reader was before a jump, for a while. */
  cameFrom = $state.raw<Spot | null>(null);
  /** Where the next window is to be opened. */
  heading: Spot | 'unread' | null = null;
  /** The first press of the jump button was for what is new. */
  sought = false;
  readonly selected = new SvelteSet<number>();
  readonly timeline: Timeline;
  readonly voices: Voices;
  jump: (message: number) => void = () => {};
  toEnd: () => void = () => {};
  focusComposer: () => void = () => {};
  /** To the newest message. */
  focusMessage: () => void = () => {};
  editText: (text: string) => void = () => {};
  readonly hosts = new Set<string>();

  private forgets: ReturnType<typeof setTimeout> | undefined;
  private unlisted = $state.raw<ConversationItem | null>(null);
  private looked = $state(false);

  constructor(
    readonly account: Account,
    readonly conversation: string,
  ) {
    this.timeline = account.show(conversation);
    this.voices = new Voices(this);
    account.rpc
      .call('conversations.get', { account: account.id, conversation })
      .then((found) => (this.unlisted = found.conversation ?? null))
      .catch(() => {})
      .finally(() => (this.looked = true));
  }

  /** The row of the list; of a conversation that is not in it, what was known when it was opened. */
  get row(): ConversationItem | undefined {
    return this.account.row(this.conversation) ?? this.unlisted ?? undefined;
  }

  /** Whether the other side is known at all. */
  get fresh(): boolean {
    return !this.note && this.looked && !this.row;
  }

  get note(): boolean {
    return this.conversation === this.account.id;
  }

  person(id: string): Person {
    return this.timeline.people.get(id) ?? (id === this.conversation ? this.row?.person : undefined) ?? stranger(id);
  }

  answer(message: ShownMessage): void {
    this.reply = { message_id: message.message_id, author: message.author, mine: message.mine, words: gist(message) };
    this.focusComposer();
  }

  /** Remembers where the reader is who is taken elsewhere. Of several jumps the first place counts. */
  leaveFrom(spot: Spot): void {
    this.cameFrom ??= spot;
    clearTimeout(this.forgets);
    this.forgets = setTimeout(() => (this.cameFrom = null), RETURN_MS);
  }

  forgetReturn(): void {
    clearTimeout(this.forgets);
    this.cameFrom = null;
  }

  select(message: number): void {
    this.selecting = true;
    if (this.selected.has(message)) this.selected.delete(message);
    else this.selected.add(message);
    if (this.selected.size === 0) this.selecting = false;
  }

  endSelection(): void {
    this.selecting = false;
    this.selected.clear();
  }

  react(message: ShownMessage, emoji: string): void {
    const present = !message.reactions.some((reaction) => reaction.emoji === emoji && reaction.mine);
    if (present) usedEmoji(emoji);
    this.account.rpc
      .call('messages.react', { account: this.account.id, message_id: message.message_id, emoji, present })
      .catch(sayFailed);
  }

  retry(message: number): void {
    this.account.rpc
      .call('messages.retry', { account: this.account.id, message_id: message })
      .then(() => announce(t('state.again')))
      .catch(sayFailed);
  }
}

const KEY = Symbol('chat');

export function provideChat(chat: ChatState): ChatState {
  return setContext(KEY, chat);
}

export function useChat(): ChatState {
  return getContext<ChatState>(KEY);
}
