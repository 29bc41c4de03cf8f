// People, rows and messages to be looked at, and a program that answers with them. It stands in
// for nothing that is tested: what components do is seen in the browser tests.

import type { ConversationItem, Delivery, FileView, Person, TimelineItem } from '../src/api/api.gen';
import type { Rpc } from '../src/api/rpc';
import { Account } from '../src/state/account.svelte';

const id = (digit: string) => `05${digit.repeat(64)}`;
export const OWN = id('a');
export const NOW = Date.UTC(2026, 10, 20, 12, 41);
const MINUTE = 60_000;

export const person = (digit: string, name: string, color: number): Person => ({
  id: id(digit),
  name,
  named: true,
  avatar: { color, ring: 0x5a5a ^ (color * 0x1111) },
});
export const anna = person('b', 'Anna Petrova', 3);
export const maryam = person('c', 'مريم الأندلسية', 9);
export const long = person('d', 'Maximiliana Konstantinopolitanska-Featherstonehaugh the Third', 6);

/** Rows of twelve fields, as of a QR code. */
export const CODE = Array.from({ length: 21 }, (_, y) =>
  Array.from({ length: 21 }, (_, x) => ((x * y + x + y * 7) % 3 === 0 ? '1' : '0')).join(''),
);

const answers: Record<string, unknown> = {
  'conversations.get': { conversation: null },
  'pictures.get': { picture: null },
};

const program = {
  call: (method: string) =>
    method in answers ? Promise.resolve(answers[method]) : Promise.reject(new Error('nothing was recorded')),
  on: () => () => {},
};

export const account = new Account(program as unknown as Rpc, OWN);

function row(of: Person, change: Partial<ConversationItem> = {}): ConversationItem {
  const last = { message_id: 1, kind: 'text', text: 'Are we still on for Friday?', sent_at: NOW, mine: false } as const;
  return {
    id: of.id,
    kind: 'person',
    person: of,
    rev: 1,
    time: NOW,
    unread: 0,
    mentions: 0,
    marked_unread: false,
    pinned: false,
    muted: false,
    notify: 'default',
    hidden: false,
    blocked: false,
    ambiguous: false,
    typing: false,
    request: 'none',
    timer: { mode: 'off' },
    last: { ...last, attachments: 0, state: { is: 'received' } },
    ...change,
  };
}

const said = (state: Delivery, text = 'Yes, at seven'): ConversationItem['last'] => ({
  message_id: 2,
  kind: 'text',
  text,
  sent_at: NOW,
  mine: true,
  attachments: 0,
  state,
});
const FAILED: Delivery = { is: 'failed', reason: 'no path' };
const WAITING: Delivery = { is: 'waiting', reason: 'no path', next_attempt: NOW };

export const rows: readonly (readonly [string, ConversationItem, selected?: boolean])[] = [
  ['plain', row(anna)],
  ['selected', row(anna), true],
  ['unread, pinned', row(maryam, { unread: 3, pinned: true })],
  ['unread, muted, named', row(long, { unread: 1200, muted: true, mentions: 1, pinned: true })],
  ['marked', row(anna, { marked_unread: true })],
  ['writing', row(anna, { typing: true })],
  ['draft', row(anna, { draft: 'I will send it when' })],
  ['blocked', row(anna, { blocked: true })],
  ['sent', row(anna, { last: said({ is: 'sent' }) })],
  ['read', row(anna, { last: said({ is: 'read', at: NOW }) })],
  ['waiting', row(anna, { last: said(WAITING) })],
  ['failed', row(anna, { last: said(FAILED) })],
  ['two of one name', row(anna, { ambiguous: true })],
  ['note to self', row({ ...anna, id: OWN }, { kind: 'note_to_self', last: null })],
];

let number = 0;

type Message = Extract<TimelineItem, { kind: 'message' }>;

function message(words: string, change: Partial<Message> = {}): TimelineItem {
  number += 1;
  const mine = change.mine ?? false;
  return {
    kind: 'message',
    id: `m${number}`,
    rev: 1,
    message_id: number,
    author: mine ? OWN : anna.id,
    mine,
    sent_at: NOW + number * MINUTE,
    spans: words === '' ? [] : [{ kind: 'text', text: words }],
    reactions: [],
    attachments: change.files?.length ?? 0,
    first_in_run: true,
    last_in_run: true,
    mentions_me: false,
    time_unsure: false,
    timer: { mode: 'off' },
    state: mine ? { is: 'sent' } : { is: 'received' },
    ...change,
  };
}

function file(change: Partial<FileView>): FileView {
  return { index: 0, name: 'holiday.pdf', mime: 'application/pdf', size: 120_400, voice: false, state: { is: 'here' }, ...change };
}

const waveform = Array.from({ length: 64 }, (_, at) => Math.round(128 + 127 * Math.sin(at / 3)));
const voice = (change: Partial<FileView> = {}) =>
  file({ name: 'voice.mp3', mime: 'audio/mpeg', voice: true, waveform, duration_ms: 64_000, state: { is: 'remote' }, ...change });
const mine = { mine: true } as const;
const notice = (what: object): TimelineItem =>
  ({ kind: 'notice', id: `n${JSON.stringify(what)}`, rev: 1, message_id: 900, author: anna.id, mine: false, sent_at: NOW, state: { is: 'received' }, notice: what }) as TimelineItem;

export const items: readonly (readonly [string, TimelineItem])[] = [
  ['day', { kind: 'day', id: 'd', rev: 1, date: '2026-11-20' }],
  ['text', message('Good morning. Did the parcel come? I asked them to leave it with the neighbour.')],
  ['Arabic', message('صباح الخير، هل وصل الطرد؟ طلبت منهم أن يتركوه عند الجيران.')],
  ['one emoji', message('🎉')],
  ['long word', message('Donaudampfschifffahrtsgesellschaft'.repeat(8))],
  [
    'link and mention',
    message('', {
      mentions_me: true,
      spans: [
        { kind: 'mention', id: OWN, me: true, name: 'Maria' },
        { kind: 'text', text: ' look at ' },
        { kind: 'link', url: 'https://example.org/parcel?number=12' },
      ],
    }),
  ],
  ['sending', message('On its way', { ...mine, state: { is: 'sending' } })],
  ['waiting', message('Waits for the network', { ...mine, state: WAITING })],
  ['sent', message('It did', mine)],
  ['read', message('Thank you!', { ...mine, state: { is: 'read', at: NOW } })],
  ['failed', message('Not sent', { ...mine, state: FAILED })],
  [
    'quote',
    message('It did', {
      ...mine,
      quote: {
        author: anna.id,
        mine: false,
        name: anna.name,
        original: { is: 'found', message_id: 2, excerpt: 'Did the parcel come?', attachments: 0 },
      },
    }),
  ],
  ['quote of what is gone', message('It did', { quote: { author: OWN, mine: true, name: 'Maria', original: { is: 'deleted' } } })],
  [
    'reactions',
    message('Shall we?', {
      reactions: ['👍', '❤️', '😂', '😮', '😢', '🙏', '🎉', '🔥'].map((emoji, at) => ({ emoji, count: at + 1, mine: at === 0, who: [anna.id] })),
    }),
  ],
  ['disappearing', message('Gone in a day', { ...mine, timer: { mode: 'after_send', seconds: 86_400 }, disappears_at: NOW + 43_200_000 })],
  ['invitation', message('', { invitation: { name: 'Choir', url: 'example.org/choir' } })],
  ['file', message('The list', { files: [file({})] })],
  ['file not here', message('', { files: [file({ state: { is: 'remote' } })] })],
  ['file on its way', message('', { files: [file({ state: { is: 'moving', done: 40, total: 100 } })] })],
  ['file that failed', message('', { ...mine, files: [file({ state: { is: 'failed', reason: 'no answer' } })] })],
  ['program', message('', { files: [file({ name: 'photo.jpg.exe', mime: 'application/x-msdownload', state: { is: 'remote' } })] })],
  ['picture not here', message('', { files: [file({ name: 'tea.png', mime: 'image/png', width: 320, height: 240, state: { is: 'remote' } })] })],
  ['voice not here', message('', { files: [voice()] })],
  ['voice not played', message('', { files: [voice({ unheard: true })] })],
  ['own voice', message('', { ...mine, files: [voice()] })],
  ['deleted', { kind: 'deleted', id: 'x', rev: 1, message_id: 800, author: anna.id, mine: false, sent_at: NOW }],
  ['own deleted', { kind: 'deleted', id: 'y', rev: 1, message_id: 801, author: OWN, mine: true, sent_at: NOW }],
  ['timer', notice({ what: 'timer_changed', timer: { mode: 'after_read', seconds: 3600 }, differs: true })],
  ['accepted', notice({ what: 'request_accepted' })],
  ['screenshot', notice({ what: 'screenshot' })],
  ['saved', notice({ what: 'media_saved' })],
  ['unread', { kind: 'unread', id: 'u', rev: 1, count: 2 }],
];
