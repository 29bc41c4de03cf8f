// JSON-RPC over one WebSocket that is opened again whenever it closes.

import type { Methods, Notifications } from './api.gen';

/** A call that did not succeed. `code` is stable; it is looked up in the catalogue of texts. */
export class Failure extends Error {
  readonly code: string;

  constructor(code: string) {
    super('call failed');
    this.code = code;
  }
}

/** The code of any failure, for the catalogue. */
export function codeOf(cause: unknown): string {
  return cause instanceof Failure ? cause.code : 'page.unknown';
}

export type Link = 'connecting' | 'open' | 'lost' | 'refused';

type Waiting = { resolve: (value: unknown) => void; reject: (cause: Failure) => void };
type Handler = (params: never) => void;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const REFUSED = 4403;

export class Rpc {
  private socket: WebSocket | null = null;
  private next = 1;
  private delay = FIRST_DELAY_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly handlers = new Map<string, Handler[]>();
  private readonly key: string;
  private readonly changed: (link: Link) => void;

  constructor(key: string, changed: (link: Link) => void) {
    this.key = key;
    this.changed = changed;
  }

  connect(): void {
    clearTimeout(this.timer);
    const socket = new WebSocket(`ws://${location.host}/api`);
    this.socket = socket;
    let admitted = false;
    socket.onopen = () => socket.send(JSON.stringify({ key: this.key }));
    socket.onmessage = (event) => {
      if (this.socket !== socket || typeof event.data !== 'string') return;
      if (admitted) return this.take(event.data);
      admitted = true;
      this.delay = FIRST_DELAY_MS;
      this.changed('open');
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      for (const call of this.waiting.values()) call.reject(new Failure('page.disconnected'));
      this.waiting.clear();
      if (event.code === REFUSED) return this.changed('refused');
      this.changed('lost');
      this.timer = setTimeout(() => this.connect(), this.delay);
      this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
    };
  }

  /** Tries now instead of waiting for the next turn. */
  hurry(): void {
    if (this.socket) return;
    this.delay = FIRST_DELAY_MS;
    this.connect();
  }

  call<M extends keyof Methods>(method: M, params: Methods[M]['params']): Promise<Methods[M]['result']> {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Failure('page.disconnected'));
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** Calls a function at each notification of a kind. What is given back ends that. */
  on<N extends keyof Notifications>(name: N, handler: (params: Notifications[N]) => void): () => void {
    this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler as Handler]);
    return () => {
      this.handlers.set(name, (this.handlers.get(name) ?? []).filter((other) => other !== handler));
    };
  }

  private take(data: string): void {
    const frame = JSON.parse(data) as {
      id?: number | null;
      method?: string;
      params?: unknown;
      result?: unknown;
      error?: { data?: { code?: string } };
    };
    if (typeof frame.id === 'number') {
      const call = this.waiting.get(frame.id);
      this.waiting.delete(frame.id);
      if (!call) return;
      if (frame.error) call.reject(new Failure(frame.error.data?.code ?? 'page.unknown'));
      else call.resolve(frame.result);
    } else if (frame.method) {
      for (const handler of this.handlers.get(frame.method) ?? []) handler(frame.params as never);
    }
  }
}
