// A list of conversations as the core shows it.

import type { ConversationItem, ConversationsDiff, Filter } from '../api/api.gen';
import type { Rpc } from '../api/rpc';
import { applyOps, fits, type Place } from './diff';
import { inFrame } from './frames';

export class ConversationList {
  rows = $state.raw<readonly ConversationItem[]>([]);
  loaded = $state(false);
  sub: number | null = null;
  private place: Place = { gen: 0, seq: 0 };
  private opening = false;

  constructor(
    private readonly rpc: Rpc,
    private readonly account: string,
    private readonly filter: Filter,
  ) {}

  async open(): Promise<void> {
    if (this.opening) return;
    this.opening = true;
    try {
      if (this.sub !== null) this.close();
      const opened = await this.rpc.call('conversations.open', { account: this.account, filter: this.filter });
      this.sub = opened.sub;
      this.place = { gen: opened.gen, seq: opened.seq };
      this.rows = opened.rows;
      this.loaded = true;
    } finally {
      this.opening = false;
    }
  }

  /** The connection is a new one: the subscription is gone. */
  forgetSubscription(): void {
    this.sub = null;
  }

  close(): void {
    if (this.sub === null) return;
    this.rpc.call('conversations.close', { account: this.account, sub: this.sub }).catch(() => {});
    this.sub = null;
  }

  take(diff: ConversationsDiff): void {
    if (diff.sub !== this.sub) return;
    inFrame(() => {
      if (diff.sub !== this.sub) return;
      const rows = fits(this.place, diff, diff.ops) ? applyOps(this.rows, diff.ops) : null;
      if (!rows) {
        this.open().catch(() => {});
        return;
      }
      this.place = { gen: diff.gen, seq: diff.seq };
      this.rows = rows;
    });
  }
}
