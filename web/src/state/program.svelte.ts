// The program as the page sees it: the connection, the accounts of this device, which one is
// shown.

import type { AccountInfo, CreateParams, Person, RestoreParams } from '../api/api.gen';
import { answerTabs, forget, launch } from '../api/launch';
import { Failure, Rpc, type Link } from '../api/rpc';
import { clearMedia } from '../api/media';
import { Account } from './account.svelte';
import { keepIn, loadPrefs } from './prefs.svelte';

const API_VERSION = 1;
const PREFERENCES_MS = 300;
const DISK_AGAIN_MS = 300_000;

export type Refusal = 'used' | 'unknown' | 'none' | 'unreachable' | 'revoked' | 'version';
type Arrival = { account: string; conversation: string; mine: boolean };

class Program {
  link = $state<Link>('connecting');
  lostAt = $state<number | null>(null);
  refusal = $state<Refusal | null>(null);
  infos = $state.raw<readonly AccountInfo[]>([]);
  opened = $state.raw<ReadonlyMap<string, Account>>(new Map());
  current = $state<string | null>(null);
  version = $state('');
  ready = $state(false);
  /** Why the disk does not take what is to be written, as long as that is to be said. */
  disk = $state<{ account: string; code: string } | null>(null);
  private diskSaid = { code: '', at: 0 };
  arrived: (arrival: Arrival) => void = () => {};
  failed: (account: string, message: number) => void = () => {};
  /** Another account is shown: which one was before, which one is now. */
  changedAccount: (from: string | null, to: string) => void = () => {};
  private client: Rpc | null = null;

  /** The account that is shown and open. */
  account = $derived(this.current ? (this.opened.get(this.current) ?? null) : null);

  get rpc(): Rpc {
    if (!this.client) throw new Failure('page.disconnected');
    return this.client;
  }

  async start(): Promise<void> {
    const result = await launch();
    if ('refused' in result) {
      this.refusal = result.refused;
      return;
    }
    answerTabs(result.key);
    const rpc = new Rpc(result.key, (link) => this.linked(link));
    this.client = rpc;
    this.listen(rpc);
    rpc.connect();
  }

  info(id: string): AccountInfo | undefined {
    return this.infos.find((info) => info.id === id);
  }

  async create(params: CreateParams): Promise<Account> {
    const made = await this.rpc.call('accounts.create', params);
    return this.enter(made.account);
  }

  async restore(params: RestoreParams): Promise<Account> {
    const made = await this.rpc.call('accounts.restore', params);
    return this.enter(made.account);
  }

  /** Opens an account of this device and shows it. */
  async unlock(id: string, passphrase?: string): Promise<Account> {
    const opened = await this.rpc.call('accounts.open', { account: id, passphrase });
    return this.enter(opened.account);
  }

  /** The user knows about the disk. It is said again later, should it still be so. */
  diskSeen(): void {
    this.diskSaid = { code: this.disk?.code ?? '', at: Date.now() };
    this.disk = null;
  }

  choose(id: string): void {
    if (this.current === id) return;
    const from = this.current;
    this.account?.leave();
    this.current = id;
    this.changedAccount(from, id);
  }

  /** Wipes an account from the page and lets the core forget its key. */
  async lock(id: string): Promise<void> {
    this.drop(id);
    await this.rpc.call('accounts.close', { account: id });
    await this.refresh();
  }

  async remove(id: string): Promise<void> {
    await this.rpc.call('accounts.remove', { account: id });
    this.drop(id);
    if (this.current === id) this.current = null;
    await this.refresh();
    this.current ??= this.infos[0]?.id ?? null;
  }

  async refresh(): Promise<void> {
    this.infos = (await this.rpc.call('accounts.list', {})).accounts;
  }

  private drop(id: string): void {
    this.opened.get(id)?.leave();
    const opened = new Map(this.opened);
    opened.delete(id);
    this.opened = opened;
    clearMedia(id);
  }

  private async enter(info: AccountInfo): Promise<Account> {
    const account = this.opened.get(info.id) ?? new Account(this.rpc, info.id);
    await Promise.all([account.start(), this.refresh()]);
    this.opened = new Map(this.opened).set(info.id, account);
    this.choose(info.id);
    return account;
  }

  private linked(link: Link): void {
    this.link = link;
    if (link === 'open') {
      this.lostAt = null;
      this.greet().catch((cause: unknown) => {
        if (cause instanceof Failure && cause.code !== 'page.disconnected') this.refusal = 'version';
      });
    } else if (link === 'refused') {
      forget();
      this.refusal = 'revoked';
      this.wipe();
    } else {
      this.lostAt ??= Date.now();
    }
  }

  private wipe(): void {
    for (const id of [...this.opened.keys()]) this.drop(id);
    this.infos = [];
    this.current = null;
  }

  private async greet(): Promise<void> {
    const hello = await this.rpc.call('hello', { version: API_VERSION });
    this.version = hello.version;
    // Without them the page looks as it does the first time.
    await this.usePreferences().catch(() => {});
    this.infos = hello.accounts;
    if (this.current && !this.info(this.current)) this.current = null;
    this.current ??= (hello.accounts.find((info) => info.open) ?? hello.accounts[0])?.id ?? null;
    const opened = new Map<string, Account>();
    await Promise.all(
      hello.accounts.map(async (info) => {
        if (!info.open && info.key_store === 'passphrase') return;
        const account = this.opened.get(info.id) ?? new Account(this.rpc, info.id);
        try {
          if (!info.open) await this.rpc.call('accounts.open', { account: info.id });
          await account.start();
          opened.set(info.id, account);
        } catch {
          // It stays closed and can be tried again.
        }
      }),
    );
    this.opened = opened;
    await this.refresh();
    this.ready = true;
  }

  /** What was chosen in an earlier run holds; what is chosen now is kept for the next. */
  private async usePreferences(): Promise<void> {
    const { value } = await this.rpc.call('preferences.get', {});
    if (value) loadPrefs(value);
    let timer: ReturnType<typeof setTimeout> | undefined;
    keepIn((next) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.rpc.call('preferences.set', { value: next }).catch(() => {});
      }, PREFERENCES_MS);
    });
  }

  private listen(rpc: Rpc): void {
    const of = (id: string) => this.opened.get(id);
    rpc.on('conversations.diff', (diff) => {
      of(diff.account)?.chats.take(diff);
      of(diff.account)?.requests.take(diff);
    });
    rpc.on('timeline.diff', (diff) => of(diff.account)?.timeline?.take(diff));
    rpc.on('profile.changed', ({ account, profile }) => {
      const known = of(account);
      if (known) known.profile = profile;
    });
    rpc.on('network.changed', ({ account, network }) => {
      const known = of(account);
      known?.setNetwork(network);
      if (network.state === 'offline') known?.askNetwork().catch(() => {});
      else if (known) known.clockOff = null;
    });
    rpc.on('storage.failed', (failed) => {
      const { code, at } = this.diskSaid;
      if (this.disk || (failed.code === code && Date.now() - at < DISK_AGAIN_MS)) return;
      this.disk = failed;
    });
    rpc.on('account.changed', () => {
      this.refresh().catch(() => {});
    });
    rpc.on('message.failed', ({ account, message_id }) => this.failed(account, message_id));
    rpc.on('message.received', ({ account, message }) => {
      this.arrived({ account, conversation: message.conversation, mine: message.mine });
    });
  }
}

export const program = new Program();

/** A person of whom only the id is known. */
export function stranger(id: string): Person {
  return { id, name: `${id.slice(0, 6)}…${id.slice(-6)}`, named: false, avatar: { color: 0, ring: 0 } };
}
