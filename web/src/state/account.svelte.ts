// One account that is open here: its lists, its network, what it tells others.

import type { NetworkState, Profile, SetSettingsParams, SettingsResult, TrafficCount } from '../api/api.gen';
import type { Rpc } from '../api/rpc';
import { ConversationList } from './list.svelte';
import { Timeline } from './timeline.svelte';

export class Account {
  readonly chats: ConversationList;
  readonly requests: ConversationList;
  profile = $state.raw<Profile | null>(null);
  settings = $state.raw<SettingsResult | null>(null);
  network = $state.raw<NetworkState | null>(null);
  networkSince = $state(Date.now());
  /** Since when none of the nodes that keep the messages answers. */
  silentSince = $state<number | null>(null);
  networkName = $state('');
  traffic = $state.raw<TrafficCount | null>(null);
  clockOff = $state<number | null>(null);
  timeline = $state.raw<Timeline | null>(null);
  /** The same. What is taken down reads states as they were before, and would let go the next one. */
  private shown: Timeline | null = null;
  /** Unread conversations that may raise a notification. */
  unread = $derived.by(() => {
    let sum = 0;
    for (const row of this.chats.rows) if (!row.muted) sum += row.unread;
    return sum;
  });

  constructor(
    readonly rpc: Rpc,
    readonly id: string,
  ) {
    this.chats = new ConversationList(rpc, id, 'chats');
    this.requests = new ConversationList(rpc, id, 'requests');
  }

  async start(): Promise<void> {
    this.chats.forgetSubscription();
    this.requests.forgetSubscription();
    const account = this.id;
    await Promise.all([
      this.chats.open(),
      this.requests.open(),
      this.rpc.call('profile.get', { account }).then((profile) => (this.profile = profile)),
      this.rpc.call('settings.get', { account }).then((settings) => (this.settings = settings)),
      this.askNetwork(),
      this.reopenTimeline(),
    ]);
  }

  async askNetwork(): Promise<void> {
    const report = await this.rpc.call('network.status', { account: this.id });
    this.setNetwork(report.network);
    this.networkName = report.name;
    this.traffic = report.traffic;
    this.clockOff = report.clock_off_ms ?? null;
  }

  setNetwork(network: NetworkState): void {
    if (network.state !== this.network?.state) this.networkSince = Date.now();
    const silent = network.state === 'connected' && network.silent_swarm;
    this.silentSince = silent ? (this.silentSince ?? Date.now()) : null;
    this.network = network;
  }

  /** Shows a conversation; the one before is let go. */
  show(conversation: string): Timeline {
    if (this.shown?.conversation === conversation) return this.shown;
    this.shown?.close();
    const timeline = new Timeline(this.rpc, this.id, conversation);
    this.shown = timeline;
    this.timeline = timeline;
    return timeline;
  }

  /** Lets go what is shown; when one is named, only if it is that one. */
  leave(timeline = this.shown): void {
    if (timeline !== this.shown) return;
    this.shown?.close();
    this.shown = null;
    this.timeline = null;
  }

  row(conversation: string) {
    return (
      this.chats.rows.find((row) => row.id === conversation) ??
      this.requests.rows.find((row) => row.id === conversation)
    );
  }

  async setSettings(change: Omit<SetSettingsParams, 'account'>): Promise<void> {
    this.settings = await this.rpc.call('settings.set', { account: this.id, ...change });
  }

  private async reopenTimeline(): Promise<void> {
    const timeline = this.timeline;
    if (!timeline) return;
    timeline.forgetSubscription();
    await timeline.reopen();
  }
}
