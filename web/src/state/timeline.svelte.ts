// The window of one conversation that is shown.

import type { Around, Direction, Person, TimelineDiff, TimelineItem } from '../api/api.gen';
import type { Rpc } from '../api/rpc';
import { applyOps, fits, type Place } from './diff';
import { inFrame } from './frames';

const PAGE = 60;
/** How long what was asked for may take to come after the answer. */
const COMES_MS = 1000;

export class Timeline {
  items = $state.raw<readonly TimelineItem[]>([]);
  people = $state.raw<ReadonlyMap<string, Person>>(new Map());
  atStart = $state(false);
  atEnd = $state(true);
  loaded = $state(false);
  growing = $state<Direction | null>(null);
  /** Changes when another window is shown, so that the view looks for its place again. */
  generation = $state(0);
  unreadIndex: number | null = null;
  /** The message at the top of the view, when it is not at the end. */
  anchor: number | null = null;
  /** How far below the top edge of the view that message begins. */
  shift = 0;
  sub: number | null = null;
  private place: Place = { gen: 0, seq: 0 };
  private opening = 0;
  private comes: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly rpc: Rpc,
    readonly account: string,
    readonly conversation: string,
  ) {}

  async open(around: Around): Promise<void> {
    const turn = ++this.opening;
    const old = this.sub;
    const opened = await this.rpc.call('timeline.open', {
      account: this.account,
      conversation: this.conversation,
      around,
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    });
    if (turn !== this.opening) {
      this.rpc.call('timeline.close', { account: this.account, sub: opened.sub }).catch(() => {});
      return;
    }
    if (old !== null) this.rpc.call('timeline.close', { account: this.account, sub: old }).catch(() => {});
    this.sub = opened.sub;
    this.grown();
    this.place = { gen: opened.gen, seq: opened.seq };
    this.learn(opened.people);
    this.unreadIndex = opened.unread_index ?? null;
    this.atStart = opened.at_start;
    this.atEnd = opened.at_end;
    this.items = opened.items;
    this.loaded = true;
    this.generation += 1;
  }

  /** Opens the same place again. */
  reopen(): Promise<void> {
    return this.open(this.anchor === null ? { at: 'end' } : { at: 'message', message_id: this.anchor });
  }

  close(): void {
    this.opening += 1;
    if (this.sub === null) return;
    this.rpc.call('timeline.close', { account: this.account, sub: this.sub }).catch(() => {});
    this.sub = null;
  }

  forgetSubscription(): void {
    this.sub = null;
  }

  async more(direction: Direction): Promise<void> {
    const sub = this.sub;
    if (sub === null || this.growing) return;
    if (direction === 'older' ? this.atStart : this.atEnd) return;
    this.growing = direction;
    try {
      const edges = await this.rpc.call('timeline.more', { account: this.account, sub, direction, count: PAGE });
      this.atStart = edges.at_start;
      this.atEnd = edges.at_end;
      // What was asked for follows the answer. Before it is here nobody knows whether that is enough.
      if (this.sub === sub) this.comes = setTimeout(() => this.grown(), COMES_MS);
    } catch {
      // The next scroll asks again.
      this.grown();
    }
  }

  private grown(): void {
    clearTimeout(this.comes);
    this.growing = null;
  }

  take(diff: TimelineDiff): void {
    if (diff.sub !== this.sub) return;
    inFrame(() => {
      if (diff.sub !== this.sub) return;
      const items = fits(this.place, diff, diff.ops) ? applyOps(this.items, diff.ops) : null;
      if (!items) {
        this.reopen().catch(() => {});
        return;
      }
      this.place = { gen: diff.gen, seq: diff.seq };
      if (diff.people) this.learn(diff.people);
      this.unreadIndex = diff.unread_index ?? null;
      this.atStart = diff.at_start;
      this.atEnd = diff.at_end;
      this.items = items;
      this.grown();
    });
  }

  private learn(people: readonly Person[]): void {
    this.people = new Map(people.map((person) => [person.id, person]));
  }
}
