// What the parts of the window that show a room of a community are given. The program does not
// speak of communities yet; each type says where its facts are kept, so that types of the API can
// take its place.

import type { Avatar, Milliseconds, Person } from '../../api/api.gen';
import type { Listed } from '../groups/types';

/** How a room is drawn and named. */
export type RoomFace = {
  /** The handle of the conversation. The address of a room never leaves the program. */
  id: string;
  name: string;
  avatar: Avatar;
  /** Address of its picture within this page; absent when it has none. */
  picture?: string | null;
};

/** Whether the room can be reached. */
export type Reach =
  | { is: 'online' }
  /** The server does not answer. */
  | { is: 'offline'; since: Milliseconds }
  /** The server answers, and has no such room, or shows it to the user no more. */
  | { is: 'gone' };

/** A row of the list. */
export type RoomItem = Listed & { kind: 'community'; room: RoomFace; reach: Reach };

/** What the user is in a room: for it alone or for its whole server. */
export type Role = 'reader' | 'moderator' | 'admin';

/** What the user may do, as the server last said it. */
export type Rights = {
  read: boolean;
  /** No for everybody but moderators in a room of announcements, and for one person while muted. */
  write: boolean;
  upload: boolean;
};

/** How many the server saw of late: the only count of people there is. */
export type Active = { people: number; within_seconds: number };

/** A moderator. The id is blinded: it begins with 15 and is another one on every server. */
export type Moderator = {
  person: Person;
  me: boolean;
  /** May also name moderators and change the room. */
  admin: boolean;
  /** Only told to moderators. */
  hidden: boolean;
};

/** A room that is open. */
export type RoomView = {
  room: RoomFace;
  /** Name of the server as in its address. */
  server: string;
  description: string;
  /** Absent until the server said it. */
  active?: Active | null;
  reach: Reach;
  role: Role;
  rights: Rights;
  /** Known to be kept from writing by a moderator; `until` when that is known to end. */
  muted?: { until?: Milliseconds | null } | null;
  /** Banned from the room or from all of the server. */
  banned?: 'room' | 'server' | null;
  /** Those the server names; hidden ones among them when the user is a moderator. */
  moderators: readonly Moderator[];
};
