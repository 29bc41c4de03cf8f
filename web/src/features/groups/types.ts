// What the parts of the window that show a group are given. The program does not speak of groups
// yet; each type says where its facts are kept, so that types of the API can take its place.

import type { Avatar, ConversationItem, LastMessage, Milliseconds, Person, Timer } from '../../api/api.gen';

/** 66 digits that begin with 03: the key of the group. */
export type GroupId = string;

/** What every row of the list has, whoever the conversation is with. */
export type Listed = Omit<ConversationItem, 'kind' | 'person' | 'typing' | 'blocked' | 'request' | 'last'> & {
  last?: SharedLast | null;
};

/** The newest message where several write. */
export type SharedLast = LastMessage & {
  /** Who wrote it; absent when it was the user, and for what nobody wrote. */
  author?: Person | null;
};

/** How a group is drawn and named. */
export type GroupFace = {
  id: GroupId;
  /** Of `GroupInfo`, else of the invitation. */
  name: string;
  /** What stands for a picture when there are not two members to be drawn. */
  avatar: Avatar;
  /** Address of its own picture within this page; absent when it has none. */
  picture?: string | null;
  /** Two of its members, those who wrote last first; fewer when fewer are known. */
  faces: readonly Person[];
};

/** Where the user stands with a group. */
export type Standing =
  /** In it, with its keys. */
  | { is: 'in' }
  /** Invited, and not yet accepted: a message request. */
  | { is: 'invited'; by: Person }
  /** Accepted, and no key of the group is here yet. */
  | { is: 'joining'; since: Milliseconds }
  /** In it, but no admin was there for 30 days: the nodes forgot what they keep of it. */
  | { is: 'expired' }
  /** The user left. */
  | { is: 'left' }
  /** An admin removed the user. */
  | { is: 'kicked' }
  /** An admin ended it for everybody. */
  | { is: 'destroyed' };

/** A row of the list. */
export type GroupItem = Listed & { kind: 'group'; group: GroupFace; standing: Standing };

/** Where a member stands, as `GroupMembers` puts invitation, promotion and removal together. */
export type MemberState =
  | 'member'
  /** The invitation was not sent yet. */
  | 'inviting'
  | 'invited'
  | 'invite_failed'
  /** Accepted, and not yet heard of in the group. */
  | 'joining'
  /** The promotion to admin was not sent yet. */
  | 'promoting'
  /** Sent the key of the group, and not yet known to have taken it. */
  | 'promoted'
  | 'promotion_failed'
  /** Marked for removal; an admin's device has still to carry it out. */
  | 'removing';

export type Member = {
  person: Person;
  /** Another member has a name that looks the same. */
  ambiguous: boolean;
  /** The user. */
  me: boolean;
  /** Holds the key of the group. */
  admin: boolean;
  state: MemberState;
};

/** A group that is open. */
export type GroupView = {
  group: GroupFace;
  /** Of `GroupInfo`; empty for none. */
  description: string;
  /** After sending only, and set by admins. */
  timer: Timer;
  standing: Standing;
  /** The user holds the key of the group. */
  admin: boolean;
  /** Two admins changed the keys at once, and they are made anew. */
  updating_keys: boolean;
  /** In the order they are shown; empty while none is known. */
  members: readonly Member[];
};

/** Whether nothing more can come of the group. */
export function ended(standing: Standing): boolean {
  return standing.is === 'left' || standing.is === 'kicked' || standing.is === 'destroyed';
}
