// Files that were dropped on a row of the list, until the conversation that opens takes them.

type Handed = { account: string; conversation: string; files: readonly File[] };

let waiting = $state.raw<Handed | null>(null);

export function handOver(account: string, conversation: string, files: readonly File[]): void {
  waiting = { account, conversation, files };
}

/** Takes what waits for a conversation. */
export function takeHanded(account: string, conversation: string): readonly File[] {
  const handed = waiting;
  if (handed?.account !== account || handed.conversation !== conversation) return [];
  waiting = null;
  return handed.files;
}
