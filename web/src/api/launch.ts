// How a page gets its session key: from the launch code in the address, from itself before a
// reload, or from another tab of the same program.

const KEPT = 'key';
const CHANNEL = 'session';
const ASK_MS = 400;

export type Launch = { key: string } | { refused: 'used' | 'unknown' | 'none' | 'unreachable' };

export async function launch(): Promise<Launch> {
  const code = codeInAddress();
  if (code) return exchange(code);
  const key = sessionStorage.getItem(KEPT) ?? (await askOtherTabs());
  return key ? keep(key) : { refused: 'none' };
}

/** The key of this session; empty when there is none. */
export function sessionKey(): string {
  return sessionStorage.getItem(KEPT) ?? '';
}

/** Forgets the key: it is not good any more. */
export function forget(): void {
  sessionStorage.removeItem(KEPT);
}

/** Gives the key to tabs that ask for it. */
export function answerTabs(key: string): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (event: MessageEvent<{ ask?: boolean }>) => {
    if (event.data.ask) channel.postMessage({ key });
  };
}

function codeInAddress(): string | null {
  const fragment = location.hash.slice(1);
  if (!fragment) return null;
  history.replaceState(null, '', location.pathname);
  const named = new URLSearchParams(fragment).get('code');
  return named ?? (/^[A-Za-z0-9_-]+$/.test(fragment) ? fragment : null);
}

async function exchange(code: string): Promise<Launch> {
  try {
    const answer = await fetch('/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    const told = (await answer.json()) as { key?: string; error?: string };
    if (answer.ok && told.key) return keep(told.key);
    forget();
    return { refused: told.error === 'used' ? 'used' : 'unknown' };
  } catch {
    return { refused: 'unreachable' };
  }
}

function keep(key: string): Launch {
  sessionStorage.setItem(KEPT, key);
  return { key };
}

function askOtherTabs(): Promise<string | null> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((resolve) => {
    const done = (key: string | null) => {
      channel.close();
      resolve(key);
    };
    const timer = setTimeout(() => done(null), ASK_MS);
    channel.onmessage = (event: MessageEvent<{ key?: string }>) => {
      if (!event.data.key) return;
      clearTimeout(timer);
      done(event.data.key);
    };
    channel.postMessage({ ask: true });
  });
}
