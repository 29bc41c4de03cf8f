// Notifications of the browser: by default they say that there is a message, and nothing else.

import { t } from '../i18n/runtime.svelte';
import { prefs } from '../state/prefs.svelte';
import { program, stranger } from '../state/program.svelte';
import { say } from '../ui/toasts.svelte';
import { announce } from './announcer.svelte';
import { router, show } from './router.svelte';

export const asking = $state({ wanted: false });

const QUIET_MS = 3000;
const FAILED_MS = 60_000;
let lastSound = 0;
let lastFailed = '';

export function watchArrivals(): void {
  program.failed = (account, message) => void tellFailed(account, message).catch(() => {});
  program.arrived = ({ account, conversation, mine }) => {
    if (mine) return;
    const row = program.opened.get(account)?.row(conversation);
    if (row?.muted || row?.blocked || row?.request === 'incoming') return;
    const seen = document.hasFocus() && program.current === account && router.route.conversation === conversation;
    if (seen) return;
    if (!document.hidden && program.current === account && row) {
      announce(t('announce.other', { name: row.person.name }), (count) => t('announce.several', { count }));
    }
    if (prefs.notifications === 'off' || document.hasFocus()) return;
    tell(account, conversation).catch(() => {});
  };
}

/** One word for each conversation with something that was not sent, until another one has it too. */
async function tellFailed(account: string, message: number): Promise<void> {
  const opened = program.opened.get(account);
  if (!opened || program.current !== account) return;
  const found = (await opened.rpc.call('messages.info', { account, message_id: message })).message;
  const conversation = found?.conversation;
  if (!conversation || conversation === lastFailed) return;
  lastFailed = conversation;
  setTimeout(() => (lastFailed = ''), FAILED_MS);
  const row = opened.row(conversation);
  const name = row?.kind === 'note_to_self' ? t('note_to_self') : (row?.person.name ?? stranger(conversation).name);
  const here = router.route.conversation === conversation;
  say(
    t('state.failed_to', { name }),
    here ? undefined : { label: t('state.look'), run: () => show({ screen: 'chat', conversation, message }) },
  );
}

async function tell(account: string, conversation: string): Promise<void> {
  if (!('Notification' in globalThis)) return;
  if (Notification.permission === 'default') {
    asking.wanted = true;
    return;
  }
  if (Notification.permission !== 'granted') return;
  await onlyOneWindow(() => {
    const row = program.opened.get(account)?.row(conversation);
    const named = prefs.notifications !== 'bare' && row;
    const shown = new Notification(named ? row.person.name : t('notify.new'), {
      body: prefs.notifications === 'text' ? (row?.last?.text ?? '') : '',
      tag: conversation.slice(-8),
      silent: !prefs.sound || Date.now() - lastSound < QUIET_MS,
    });
    lastSound = Date.now();
    shown.onclick = () => {
      focus();
      program.choose(account);
      show({ screen: 'chat', conversation });
      shown.close();
    };
  });
}

/** Of several windows the first that gets the lock speaks. */
async function onlyOneWindow(speak: () => void): Promise<void> {
  await navigator.locks.request('notify', { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    speak();
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
}

export async function askPermission(): Promise<void> {
  asking.wanted = false;
  await Notification.requestPermission();
}
