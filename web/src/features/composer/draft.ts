// What was begun to be written goes to the core soon after the last key, and at once when the
// conversation or the page is left; files as soon as they are chosen. One thing after another: a
// message that is on its way out is not overtaken by what was begun after it.

import type { Draft, FileToSend } from '../../api/api.gen';
import type { Rpc } from '../../api/rpc';

const PAUSE_MS = 300;

export type Begun = { text: string; reply_to?: number };

export class DraftKeeper {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wanted: Begun | null = null;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly rpc: Rpc,
    private readonly account: string,
    private readonly conversation: string,
  ) {}

  load(): Promise<Draft> {
    return this.rpc.call('conversations.draft', this.of);
  }

  keep(begun: Begun): void {
    this.wanted = begun;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE_MS);
  }

  /** Sending clears the draft in the core: nothing is left to be kept. */
  sent(): void {
    clearTimeout(this.timer);
    this.wanted = null;
  }

  flush(): void {
    clearTimeout(this.timer);
    const begun = this.wanted;
    if (begun === null) return;
    this.wanted = null;
    this.after(() => this.rpc.call('conversations.set_draft', { ...this.of, ...begun })).catch(() => (this.wanted ??= begun));
  }

  /** Keeps files with what is written; what is kept then names them. */
  keepFiles(begun: Begun, files: () => Promise<FileToSend[]>, learn: (kept: Draft) => void): Promise<void> {
    this.sent();
    return this.after(async () => {
      learn(await this.rpc.call('conversations.set_draft', { ...this.of, ...begun, files: await files() }));
    });
  }

  /** Runs something when all that was asked for before is done, however that ended. */
  after<T>(run: () => Promise<T>): Promise<T> {
    const done = this.last.then(run);
    this.last = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  private get of() {
    return { account: this.account, conversation: this.conversation };
  }
}

/** Whether a text looks like the words that are an account. */
export function looksLikeRecoveryPassword(text: string): boolean {
  const words = text.trim().split(/\s+/);
  return words.length === 13 && words.every((word) => /^[a-z]{3,12}$/i.test(word));
}
