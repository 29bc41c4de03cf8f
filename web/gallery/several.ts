// Groups and rooms of communities to be looked at. Nothing of the program speaks of either yet.

import type { Delivery, Person } from '../src/api/api.gen';
import type { Moderator, RoomItem, RoomView } from '../src/features/communities/types';
import type { GroupFace, GroupItem, GroupView, Listed, Member, MemberState, SharedLast, Standing } from '../src/features/groups/types';
import { anna, long, maryam, NOW, person } from './recorded';

const HOUR = 3_600_000;
const bob = person('e', 'Bob', 1);
const carol = person('f', 'Carol', 11);
const me = person('a', 'Maria', 7);

const hex = (number: number) => number.toString(16).padStart(2, '0');
const PICTURE = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path fill="#8a5" d="M0 0h10v10H0z"/><path fill="#fd7" d="M0 10 4 4l3 4 1-1 2 3z"/></svg>',
)}`;

const WORDS =
  'We meet on Fridays at seven in the small hall. Bring your own scores; those of last year are in the files.\n\nWho cannot come says so by noon.';

function face(change: Partial<GroupFace> = {}): GroupFace {
  return { id: `03${'b'.repeat(64)}`, name: 'Choir rehearsal', avatar: { color: 2, ring: 0x3c3c }, faces: [anna, bob], ...change };
}

export const faces: readonly (readonly [string, GroupFace])[] = [
  ['two members', face()],
  ['two members, Arabic', face({ faces: [maryam, carol] })],
  ['own picture', face({ picture: PICTURE })],
  ['one member', face({ faces: [anna] })],
  ['nobody, no name', face({ faces: [], name: '' })],
];

const said = (author: Person | null, text: string, state: Delivery = { is: 'received' }): SharedLast => ({
  message_id: 3,
  kind: 'text',
  text,
  sent_at: NOW,
  mine: author === null,
  attachments: 0,
  state,
  author,
});

const listed = (id: string, change: Partial<Listed> = {}): Listed => ({
  id,
  rev: 1,
  time: NOW,
  unread: 0,
  mentions: 0,
  marked_unread: false,
  pinned: false,
  muted: false,
  notify: 'default',
  hidden: false,
  ambiguous: false,
  timer: { mode: 'off' },
  last: said(anna, 'the score is in the files'),
  ...change,
});

const IN: Standing = { is: 'in' };
const LONG_NAME = 'Konstantinopolitanische Dampfschifffahrtsgesellschaftskapitänsvereinigung of the Danube';

function item(change: Partial<GroupItem> = {}): GroupItem {
  const group = change.group ?? face();
  return { ...listed(group.id), kind: 'group', group, standing: IN, ...change };
}

export const groupRows: readonly (readonly [string, GroupItem, selected?: boolean])[] = [
  ['plain', item()],
  ['selected', item(), true],
  ['unread, named', item({ unread: 14, mentions: 1 })],
  ['unread, muted, pinned', item({ unread: 1200, muted: true, pinned: true, mentions: 2 })],
  ['Arabic, marked', item({ group: face({ name: 'جوقة الجمعة', faces: [maryam, anna] }), marked_unread: true, last: said(maryam, 'النوتة في الملفات') })],
  ['long names', item({ group: face({ name: LONG_NAME, picture: PICTURE }), unread: 3, pinned: true, last: said(long, 'Who takes the ladder with them on Friday? It is still in the hall.') })],
  ['own, sent', item({ last: said(null, 'I bring it', { is: 'sent' }) })],
  ['own, failed', item({ last: said(null, 'I bring it', { is: 'failed', reason: 'no path' }) })],
  ['draft', item({ draft: 'I will be there when' })],
  ['nothing said', item({ last: null })],
  ['waiting for keys', item({ group: face({ faces: [] }), standing: { is: 'joining', since: NOW }, last: null })],
  ['invited', item({ group: face({ faces: [] }), standing: { is: 'invited', by: anna }, last: null })],
  ['no admin', item({ standing: { is: 'expired' } })],
  ['left', item({ standing: { is: 'left' } })],
  ['removed', item({ standing: { is: 'kicked' } })],
  ['destroyed', item({ standing: { is: 'destroyed' } })],
];

const member = (of: Person, state: MemberState = 'member', change: Partial<Member> = {}): Member => ({
  person: of,
  ambiguous: false,
  me: false,
  admin: false,
  state,
  ...change,
});

/** Every state a member can be in. */
const STATES: readonly Member[] = [
  member(me, 'member', { me: true, admin: true }),
  member(anna, 'member', { admin: true }),
  member(long),
  member(bob, 'promoted'),
  member(carol, 'promotion_failed'),
  member(maryam, 'promoting'),
  member(person('1', 'Jo', 4), 'inviting'),
  member(person('2', 'Boris', 5), 'invited'),
  member(person('3', 'Maximiliana Konstantinopolitanska', 6), 'invite_failed'),
  member(person('4', 'Dmitri', 8), 'joining'),
  member(person('5', 'Anna Petrova', 10), 'removing', { ambiguous: true }),
];

/** As many as there are, the last without a name. */
const MANY: readonly Member[] = [
  ...STATES,
  ...Array.from({ length: 32 }, (_, at) => {
    const id = `05${hex(at + 128).repeat(32)}`;
    const name = at === 31 ? '' : `Carol ${at + 1}`;
    return member({ id, name, named: name !== '', avatar: { color: at, ring: at } });
  }),
];

function group(change: Partial<GroupView> = {}): GroupView {
  return {
    group: face(),
    description: WORDS,
    timer: { mode: 'after_send', seconds: 86_400 },
    standing: IN,
    admin: false,
    updating_keys: false,
    members: MANY,
    ...change,
  };
}

const NOBODY = { group: face({ faces: [] }), members: [] };
const ALONE = { group: face({ faces: [me] }), members: STATES.slice(0, 1) };

export const groupHeads: readonly (readonly [string, GroupView, others?: number])[] = [
  ['43 members', group(), 12],
  ['1 member', group({ ...ALONE, timer: { mode: 'off' } })],
  ['nobody known', group({ ...NOBODY, timer: { mode: 'off' } })],
  ['long name', group({ group: face({ name: LONG_NAME }) })],
  ['Arabic', group({ group: face({ name: 'جوقة الجمعة', faces: [maryam, anna] }), timer: { mode: 'off' } })],
  ['updating keys', group({ updating_keys: true })],
  ['waiting for keys', group({ ...NOBODY, standing: { is: 'joining', since: NOW } })],
  ['destroyed', group({ standing: { is: 'destroyed' } })],
];

export const groupPanels: readonly (readonly [string, GroupView])[] = [
  ['admin', group({ admin: true })],
  ['member', group({ members: STATES })],
  ['1 member', group({ ...ALONE, admin: true, description: '', timer: { mode: 'off' } })],
  ['nobody known', group({ ...NOBODY, description: '', standing: { is: 'joining', since: NOW } })],
  ['removed, long name', group({ group: face({ name: LONG_NAME }), members: STATES.slice(1, 3), description: 'وصف', standing: { is: 'kicked' } })],
];
export const everybody = group({ admin: true });

export const groupBars: readonly (readonly [string, GroupView])[] = [
  ['invited', group({ ...NOBODY, standing: { is: 'invited', by: anna } })],
  ['keys missing', group({ ...NOBODY, standing: { is: 'joining', since: Date.now() } })],
  ['keys long missing', group({ ...NOBODY, standing: { is: 'joining', since: Date.now() - HOUR } })],
  ['left', group({ standing: { is: 'left' } })],
  ['removed', group({ standing: { is: 'kicked' } })],
  ['destroyed', group({ standing: { is: 'destroyed' } })],
  ['no admin', group({ standing: { is: 'expired' } })],
  ['can write', group()],
];

const ROOM = { id: 'c1', name: 'Steam engines', avatar: { color: 8, ring: 0 } };
const ROOMS = {
  picture: { ...ROOM, picture: PICTURE },
  arabic: { ...ROOM, name: 'محركات البخار' },
  long: { ...ROOM, name: LONG_NAME },
};

const rooms = (change: Partial<RoomItem> = {}): RoomItem => ({
  ...listed(ROOM.id),
  kind: 'community',
  room: ROOM,
  reach: { is: 'online' },
  ...change,
});
const OFFLINE = { is: 'offline', since: NOW - HOUR } as const;
const GONE = { is: 'gone' } as const;

export const roomRows: readonly (readonly [string, RoomItem, selected?: boolean])[] = [
  ['plain', rooms()],
  ['selected, picture', rooms({ room: ROOMS.picture }), true],
  ['unread, named', rooms({ unread: 14, mentions: 1 })],
  ['unread, muted, pinned', rooms({ unread: 5400, muted: true, pinned: true, mentions: 1 })],
  ['Arabic', rooms({ room: ROOMS.arabic, unread: 2, last: said(maryam, 'رأيت واحدًا أمس') })],
  ['long name', rooms({ room: ROOMS.long, last: said(long, 'Has anybody seen the boiler of the one in the museum?') })],
  ['offline', rooms({ reach: OFFLINE })],
  ['gone', rooms({ reach: GONE })],
];

const blinded = (digit: string, name: string, color: number): Person => ({
  ...person(digit, name || `15${digit.repeat(4)}…${digit.repeat(6)}`, color),
  id: `15${digit.repeat(64)}`,
  named: name !== '',
});
const moderator = (of: Person, change: Partial<Moderator> = {}): Moderator => ({ person: of, me: false, admin: false, hidden: false, ...change });
const MODERATORS = [
  moderator(blinded('b', 'Anna Petrova', 3), { admin: true }),
  moderator(blinded('d', long.name, 6)),
  moderator(blinded('6', '', 0)),
  moderator(blinded('e', 'Bob', 1), { hidden: true }),
  moderator(blinded('a', 'Maria', 7), { hidden: true, me: true, admin: true }),
];

function room(change: Partial<RoomView> = {}): RoomView {
  return {
    room: ROOM,
    server: 'open.example.org',
    description: 'For whoever builds, restores or only watches them.',
    active: { people: 132, within_seconds: 604_800 },
    reach: { is: 'online' },
    role: 'reader',
    rights: { read: true, write: true, upload: true },
    moderators: MODERATORS.slice(0, 3),
    ...change,
  };
}

const READ_ONLY = { rights: { read: true, write: false, upload: false } };
const LATER = Date.now() + 50 * HOUR;

export const roomHeads: readonly (readonly [string, RoomView, others?: number])[] = [
  ['plain', room(), 3],
  ['not known who is active', room({ active: null, room: ROOMS.picture })],
  ['long name and server', room({ room: ROOMS.long, server: 'communities-of-the-danube.steam.example.org:8443' })],
  ['Arabic', room({ room: ROOMS.arabic })],
  ['read-only', room(READ_ONLY)],
  ['muted until', room({ muted: { until: LATER } })],
  ['muted', room({ muted: {} })],
  ['banned', room({ banned: 'room' })],
  ['gone', room({ reach: GONE })],
];

export const roomPanels: readonly (readonly [string, RoomView])[] = [
  ['reader', room({ moderators: MODERATORS })],
  ['moderator', room({ role: 'moderator', moderators: MODERATORS, room: ROOMS.picture })],
  ['offline', room({ reach: OFFLINE, description: '', active: null, moderators: [] })],
  ['gone, long name', room({ reach: GONE, room: ROOMS.long, active: null, server: 'communities-of-the-danube.steam.example.org:8443' })],
];

export const roomBars: readonly (readonly [string, RoomView])[] = [
  ['read-only', room(READ_ONLY)],
  ['banned from the room', room({ banned: 'room' })],
  ['banned from the server', room({ banned: 'server' })],
  ['muted until', room({ muted: { until: LATER }, ...READ_ONLY })],
  ['muted', room({ muted: {}, ...READ_ONLY })],
  ['gone', room({ reach: GONE })],
  ['moderator can write', room({ role: 'moderator', ...READ_ONLY })],
];
