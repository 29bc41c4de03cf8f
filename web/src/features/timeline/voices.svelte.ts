// What is listened to in a conversation: one voice message at a time, and, when it ends, the next
// one of the same person. It goes on while its message is scrolled out of view.

import { SvelteMap, SvelteSet } from 'svelte/reactivity';

import type { TimelineItem } from '../../api/api.gen';
import { content } from '../../api/media';
import type { Account } from '../../state/account.svelte';
import { prefs } from '../../state/prefs.svelte';
import { following, nameOf, typeOf, type Voice } from './voice';

const SPEEDS = [1, 1.5, 2] as const;

type Heard = { account: Account; timeline: { readonly items: readonly TimelineItem[] } };

export class Voices {
  /** The one that plays, or was stopped in between. */
  current = $state<string | null>(null);
  runs = $state(false);
  speed = $state<number>(1);
  /** Where each was left, in seconds. */
  readonly places = new SvelteMap<string, number>();
  /** Those the browser cannot play. */
  readonly broken = new SvelteSet<string>();
  private audio: HTMLAudioElement | null = null;

  constructor(private readonly chat: Heard) {}

  toggle(voice: Voice): void {
    if (this.runs && this.current === nameOf(voice)) this.audio?.pause();
    else void this.play(voice);
  }

  async play(voice: Voice): Promise<void> {
    const name = nameOf(voice);
    const { rpc, id: account } = this.chat.account;
    if (this.current !== name) {
      this.stop();
      this.current = name;
      const url = await content(rpc, account, voice.message.message_id, voice.file.index, typeOf(voice.file));
      // Another one was asked for meanwhile.
      if (this.current !== name || this.audio) return;
      if (url) this.audio = this.made(voice, url);
      else this.current = null;
    }
    const audio = this.audio;
    if (!audio) return;
    audio.playbackRate = this.speed;
    try {
      await audio.play();
    } catch (cause) {
      // Stopped before it had begun: nothing is wrong with it.
      if (!(cause instanceof DOMException && cause.name === 'AbortError')) this.broken.add(name);
      return;
    }
    if (!voice.file.unheard) return;
    const of = { account, message_id: voice.message.message_id, index: voice.file.index };
    rpc.call('files.heard', of).catch(() => {});
  }

  seek(voice: Voice, to: number): void {
    const name = nameOf(voice);
    this.places.set(name, to);
    if (this.audio && this.current === name) this.audio.currentTime = to;
  }

  faster(): void {
    this.speed = SPEEDS[(SPEEDS.findIndex((speed) => speed === this.speed) + 1) % SPEEDS.length] ?? 1;
    if (this.audio) this.audio.playbackRate = this.speed;
  }

  stop(): void {
    const audio = this.audio;
    this.audio = null;
    this.current = null;
    this.runs = false;
    audio?.pause();
  }

  private made(voice: Voice, url: string): HTMLAudioElement {
    const name = nameOf(voice);
    const audio = new Audio(url);
    audio.currentTime = this.places.get(name) ?? 0;
    const mine = () => this.audio === audio;
    audio.ontimeupdate = () => mine() && this.places.set(name, audio.currentTime);
    audio.onpause = () => mine() && (this.runs = false);
    audio.onplay = () => mine() && (this.runs = true);
    audio.onended = () => {
      if (!mine()) return;
      this.stop();
      this.places.set(name, 0);
      const next = prefs.voiceNext ? following(this.chat.timeline.items, voice) : null;
      if (next) void this.play(next);
    };
    return audio;
  }
}
