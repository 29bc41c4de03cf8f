// Generated from the Rust types by `cargo run -p session-api --example schema`.

/** An account was opened or closed. */
export type AccountChanged = {
  /** The account as it is now. */
  account: AccountInfo;
};

/** A person or an account: 66 hexadecimal digits beginning with 05. */
export type AccountId = string;

/** An account on this device. */
export type AccountInfo = {
  /** When it was made or restored here. */
  created_at: Milliseconds;
  /** Its id. */
  id: AccountId;
  /** How the key of its database is kept. */
  key_store: KeyStore;
  /** The name shown to others; known of open accounts. */
  name?: string | null;
  /** Whether it is open here. */
  open: boolean;
};

/** One account. */
export type AccountParams = {
  /** The account. */
  account: AccountId;
};

/** An account that was made, restored or opened. */
export type AccountResult = {
  /** The account. */
  account: AccountInfo;
};

/** Accounts. */
export type Accounts = {
  /** The oldest first. */
  accounts: AccountInfo[];
};

/** What a caller can do about an error. */
export type ApiErrorKind = "parse" | "request" | "method" | "params" | "bad_input" | "unreachable" | "unauthorised" | "clock" | "bad_peer" | "internal";

/** Where a timeline opens. */
export type Around = {
  at: "end";
} | {
  at: "unread";
} | {
  at: "message";
  /** Its number. */
  message_id: MessageId;
} | {
  at: "time";
  /** The time. */
  time: Milliseconds;
};

/** Whether files come by themselves. */
export type AutoDownloadResult = {
  /** When they do. */
  rule: AutoDownloadRule;
};

/** When files of a conversation come by themselves. */
export type AutoDownloadRule = "accepted" | "always" | "never";

/** What stands for a picture: the same for everybody who sees the person. */
export type Avatar = {
  /** One of twelve colours, from 0. */
  color: number;
  /** A ring of 16 segments: segment i is drawn when bit i is 1. Tells people of one name apart. */
  ring: number;
};

/** A person who is blocked or not. */
export type BlockParams = {
  /** The account. */
  account: AccountId;
  /** Whether nothing more of them is taken in. */
  blocked: boolean;
  /** Who. */
  person: AccountId;
};

/** Words of a Recovery Password as far as they were typed. */
export type CheckWordsParams = {
  /** The words, with white space between them. */
  words: string;
};

/** A word of a Recovery Password. */
export type CheckedWord = {
  /** Words of the list that may be meant, if it stands for none: at most three. */
  suggestions: string[];
  /** The word of the list it stands for: the first three letters are enough. */
  word?: string | null;
};

/** What is known of the words. */
export type CheckedWords = {
  /** Whether there are as many as a Recovery Password has. */
  complete: boolean;
  /** Whether they are one. */
  valid: boolean;
  /** Each word. */
  words: CheckedWord[];
};

/** Whether an account was open. */
export type Closed = {
  /** False when there was nothing to close. */
  was_open: boolean;
};

/** What a QR code is to somebody who restores an account. */
export type CodeContent = {
  is: "recovery_password";
  /** Its 13 words, or 25 of an account with a long seed. */
  recovery_password: string;
} | {
  is: "account_id";
} | {
  is: "link";
} | {
  is: "other";
};

/** The own swarm has the settings. */
export type ConfigsStored = {
  /** The account. */
  account: AccountId;
};

/** A part of a content. */
export type ContentPart = {
  /** The bytes as Base64: at most 524,288; all of them together have `size`. */
  content: string;
  /** Length of the whole content in bytes. */
  size: number;
};

/** One row of the list of conversations. */
export type ConversationItem = {
  /** The name looks like that of another conversation: to be shown with a part of the id. */
  ambiguous: boolean;
  /** Nothing of the other side is taken in. */
  blocked: boolean;
  /** What was begun to be written on this device, shortened. */
  draft?: string | null;
  /** How many files were chosen to go with it; absent for none. */
  draft_files?: number;
  /** Not in the list of conversations. */
  hidden: boolean;
  /** The other side; the account itself for notes to self. */
  id: AccountId;
  /** What kind of conversation it is. */
  kind: ConversationKind;
  /** The newest message. */
  last?: LastMessage | null;
  /** The user marked it as unread. */
  marked_unread: boolean;
  /** Those among the unread messages that name the user. */
  mentions: number;
  /** Nothing raises a notification now. */
  muted: boolean;
  /** Until when nothing raises a notification; absent when not muted for a time. */
  muted_until?: Milliseconds | null;
  /** What raises a notification. */
  notify: NotifyMode;
  /** Who it is with. */
  person: Person;
  /** At the top of the list. */
  pinned: boolean;
  /** Whether one side has still to accept the other. */
  request: RequestState;
  /** Changes whenever anything of the row does. */
  rev: Revision;
  /** When something last happened in the conversation. */
  time: Milliseconds;
  /** When the user's messages disappear. */
  timer: Timer;
  /** The other side is writing. */
  typing: boolean;
  /** Received messages not yet read. */
  unread: number;
};

/** One change of a list. Positions are those of the list as the changes before have left it. */
export type ConversationItemOp = {
  /** All items. */
  items: ConversationItem[];
  op: "reset";
} | {
  /** Where. */
  at: number;
  /** These come. */
  insert: ConversationItem[];
  op: "splice";
  /** So many items go. */
  remove: number;
} | {
  /** Where. */
  at: number;
  /** The new one, of the same id. */
  item: ConversationItem;
  op: "set";
};

/** What kind of conversation it is. */
export type ConversationKind = "person" | "note_to_self";

/** One conversation. */
export type ConversationParams = {
  /** The account. */
  account: AccountId;
  /** The other side; the account itself for notes to self. */
  conversation: AccountId;
};

/** A conversation, if there is one. */
export type ConversationResult = {
  /** The conversation. */
  conversation?: ConversationItem | null;
};

/** Conversations. */
export type Conversations = {
  /** Pinned ones first, then the newest. */
  rows: ConversationItem[];
};

/** Changes of a list of conversations. */
export type ConversationsDiff = {
  /** The account. */
  account: AccountId;
  /** One more after each `reset`. */
  gen: number;
  /** What changes, in this order. */
  ops: ConversationItemOp[];
  /** One more with each diff. When one is missing, open the list again. */
  seq: number;
  /** The subscription. */
  sub: number;
  /** How many rows there are now. */
  total: number;
};

/** A list of conversations. */
export type ConversationsOpened = {
  /** As in diffs. */
  gen: number;
  /** The rows: pinned ones first, then the newest. */
  rows: ConversationItem[];
  /** That of the last diff: the next one's is one more. */
  seq: number;
  /** Names the subscription. */
  sub: number;
  /** How many rows there are. */
  total: number;
};

/** Which copies of files. */
export type CopiesParams = {
  /** The account. */
  account: AccountId;
  /** Only of messages sent before this time. */
  before?: Milliseconds | null;
  /** The conversation; all when left out. */
  conversation?: AccountId | null;
};

/** Whose messages are counted. */
export type CountParams = {
  /** The account. */
  account: AccountId;
  /** The conversation; all when left out. */
  conversation?: AccountId | null;
};

/** A new account. */
export type CreateParams = {
  /** How the key of the database is kept. */
  key_store?: KeyStoreChoice;
  /** The name shown to others. */
  name?: string;
  /** `mainnet`, `testnet` or the URL of a seed; `mainnet` when left out. */
  network?: string | null;
  /** The passphrase, when it is kept by one. */
  passphrase?: string | null;
};

/** A request that is refused. */
export type DeclineParams = {
  /** The account. */
  account: AccountId;
  /** Whether nothing more of them is taken in. */
  block?: boolean;
  /** Who wrote it. */
  person: AccountId;
};

/** A message to be deleted. */
export type DeleteParams = {
  /** The account. */
  account: AccountId;
  /** The message. */
  message_id: MessageId;
  /** Where. */
  scope: DeleteScope;
  /**
   * On this device: for how long it can be brought back, a minute at most. It is shown
   * nowhere meanwhile, and goes when the time is over, whatever becomes of the program.
   */
  undo_ms?: number;
};

/** Where a message is deleted. */
export type DeleteScope = "this_device" | "my_devices" | "everyone";

/** What became of a deletion. */
export type Deleted = {
  /**
   * Whether the message can be brought back. One that is still to be sent goes for good at
   * once.
   */
  undo: boolean;
};

/** What became of a deletion. */
export type DeletedFromSwarm = {
  /** How many nodes signed that they deleted everything. */
  nodes: number;
};

/** Where a message stands. */
export type Delivery = {
  is: "received";
} | {
  is: "sending";
} | {
  is: "waiting";
  /** When it is tried again. */
  next_attempt: Milliseconds;
  /** Why, for a person. */
  reason: string;
} | {
  is: "sent";
} | {
  /** When. */
  at: Milliseconds;
  is: "read";
} | {
  is: "failed";
  /** Why, for a person. */
  reason: string;
};

/** What was found out about the network. */
export type Diagnosis = {
  /** In the order in which a message needs them. */
  steps: DiagnosisStep[];
};

/** One thing that was tried. Holds no address, key or account. */
export type DiagnosisStep = {
  /** What a person can do about it. */
  advice?: string | null;
  /** What was found, in words. */
  detail: string;
  /**
   * What: `proxy`, `seed`, `node_list`, `guard_quic`, `guard_https`, `path`, `clock` or
   * `own_swarm`.
   */
  name: string;
  /** Which one, when there are several of the kind. */
  number?: number | null;
  /** How it went. */
  outcome: StepOutcome;
  /** How long it took, in milliseconds. */
  took_ms: number;
};

/** Which way a timeline grows. */
export type Direction = "older" | "newer";

/** Nothing to be told. */
export type Done = Record<string, never>;

/** What became of asking for a file. */
export type DownloadAsked = {
  /** False when it is here or on its way. */
  asked: boolean;
};

/** What became of asking no more for a file. */
export type DownloadCancelled = {
  /** False when it was not on its way to this device. */
  cancelled: boolean;
};

/** What was begun to be written in a conversation on this device. */
export type Draft = {
  /** Files chosen to go with it, in their order. */
  files?: DraftFile[];
  /** That message, as a quote shows it. */
  quote?: QuoteView | null;
  /** The message it answers. */
  reply_to?: MessageId | null;
  /** The text; empty for none. */
  text: string;
};

/** A file chosen to be sent. Its content, or a smaller picture of it, is asked for by its number. */
export type DraftFile = {
  /** To be sent byte for byte, as a file. */
  as_file: boolean;
  /** A text shown with it. */
  caption?: string | null;
  /** Height in pixels, of a picture. */
  height?: number | null;
  /** Its number, of the conversation's draft only. */
  id: DraftFileId;
  /** Its MIME type. */
  mime?: string | null;
  /** Its name. */
  name?: string | null;
  /** Its length in bytes. */
  size: number;
  /** A voice message. */
  voice: boolean;
  /** Width in pixels, of a picture. */
  width?: number | null;
};

/** The number of a file of a draft on this device. */
export type DraftFileId = number;

/** Which part of a file of a draft. */
export type DraftFileParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** The first byte. */
  from?: number;
  /** The file. */
  id: DraftFileId;
};

/** A smaller picture of a file of a draft. */
export type DraftThumbnailParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** The file. */
  id: DraftFileId;
  /** The most pixels it is wide and high: at most 400. */
  side?: number;
};

/** What was kept of a conversation. */
export type ExtractionParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** The sent time of the message whose file was saved; a screenshot when left out. */
  saved?: Milliseconds | null;
};

/** Which part of a file. */
export type FileContentParams = {
  /** The account. */
  account: AccountId;
  /** The first byte. */
  from?: number;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
};

/** A file is where it should be. */
export type FileDone = {
  /** The account. */
  account: AccountId;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
  /** Whether it was uploaded. */
  upload: boolean;
};

/** A file is not where it should be. */
export type FileFailed = {
  /** The account. */
  account: AccountId;
  /** Whether another try follows by itself. */
  again: boolean;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
  /** Why, for a person. */
  reason: string;
  /** Whether it was to be uploaded. */
  upload: boolean;
};

/** One file of a message. */
export type FileParams = {
  /** The account. */
  account: AccountId;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
};

/** How far a file is. */
export type FileProgress = {
  /** The account. */
  account: AccountId;
  /** Bytes that have moved, of the encrypted file and what is around it. */
  done: number;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
  /** All there are to move. */
  total: number;
  /** Whether it is being uploaded. */
  upload: boolean;
};

/** Where the content of a file is. */
export type FileStatus = {
  is: "remote";
} | {
  is: "waiting";
} | {
  /** Bytes that have moved. */
  done: number;
  is: "moving";
  /** All there are. */
  total: number;
} | {
  is: "here";
} | {
  is: "failed";
  /** Why, for a person. */
  reason: string;
} | {
  is: "gone";
  /** Why, for a person. */
  reason: string;
};

/** A file to be sent: one at a path, or a content, or one of the conversation's draft. */
export type FileToSend = {
  /**
   * Sent byte for byte, with whatever is in it, and offered to readers as a file: pictures
   * are not shown then, and what cameras write beside them is not taken out.
   */
  as_file?: boolean;
  /** A text shown with it. */
  caption?: string | null;
  /**
   * Its content as Base64, instead of a path. All contents of a call have at most
   * 700,000 bytes together.
   */
  content?: string | null;
  /**
   * Instead of all these: a file of the conversation's draft. Name, type and caption are
   * then those it was chosen with, unless they are given.
   */
  draft?: DraftFileId | null;
  /** Its MIME type; by name or content when left out. */
  mime?: string | null;
  /** The name shown with it; that of the path when left out. */
  name?: string | null;
  /** Where it is on this computer: at most 10,000,000 bytes. */
  path?: string | null;
  /** Instead of both: what was uploaded beside the calls. */
  upload?: string | null;
  /** Whether it is a voice message: recorded just now. */
  voice?: boolean;
};

/**
 * A file of a message. Its content, or a smaller picture of it, is asked for by number of the
 * message and index.
 */
export type FileView = {
  /** A text shown with it. */
  caption?: string | null;
  /** How long a voice message lasts, in milliseconds. */
  duration_ms?: number | null;
  /** Height in pixels, as its writer says. */
  height?: number | null;
  /** Which of the message's files it is, from 0. */
  index: number;
  /** Its MIME type, as its writer says. */
  mime?: string | null;
  /** Its name, as its writer says. Not to be used as a path. */
  name?: string | null;
  /** Its length in bytes: on this device, or else as its writer says. */
  size?: number | null;
  /** Where its content is. */
  state: FileStatus;
  /** A voice message of somebody else that was not played on this device yet. */
  unheard?: boolean;
  /** Recorded in a client. */
  voice: boolean;
  /**
   * How loud a voice message is from beginning to end, in equal parts, 0 to 255 each; absent
   * while it is not here, and where it is written in a way that is not read.
   */
  waveform?: number[];
  /** Width in pixels, as its writer says. */
  width?: number | null;
};

/** Files of a message. */
export type Files = {
  /**
   * In their order. Of those on their way it is not said how far they are:
   * `file.progress` tells that.
   */
  files: FileView[];
};

/** Whose room is counted. */
export type FilesUsageParams = {
  /** The account. */
  account: AccountId;
  /** The conversation; all when left out. */
  conversation?: AccountId | null;
};

/** How much room files take on this device. */
export type FilesUsageResult = {
  /** What they take on the disk, in bytes. */
  bytes: number;
  /** How many there are. */
  files: number;
};

/** Which conversations a list shows. */
export type Filter = "chats" | "requests" | "hidden" | "blocked" | "all";

/** What speaks here. */
export type Hello = {
  /** All accounts on this device, the oldest first. */
  accounts: AccountInfo[];
  /** Version of this API. */
  api: number;
  /** Version of the program. */
  version: string;
};

/** Who calls. */
export type HelloParams = {
  /** The version of this API that the caller speaks; another one than ours is an error. */
  version?: number | null;
};

/** An invitation to a community. */
export type InvitationView = {
  /** The room's name. */
  name: string;
  /** The room's address with its key. */
  url: string;
};

/** An invitation to be sent. */
export type InviteParams = {
  /** The account. */
  account: AccountId;
  /** The room's name. */
  name: string;
  /** To whom. */
  to: AccountId;
  /** The room's address with its key. */
  url: string;
};

/** How the key of a database is kept. */
export type KeyStore = "keyring" | "passphrase" | "file";

/** How the key of a new database is kept. */
export type KeyStoreChoice = "auto" | "keyring" | "passphrase" | "file";

/** The newest message of a conversation, in one line. */
export type LastMessage = {
  /** How many files it holds. */
  attachments: number;
  /** What it is. */
  kind: ShownKind;
  /** Its number. */
  message_id: MessageId;
  /** Whether the user wrote it. */
  mine: boolean;
  /** When it was written. */
  sent_at: Milliseconds;
  /** Where it stands. */
  state: Delivery;
  /** How it begins; of an invitation the name of the room; empty for notices. */
  text: string;
};

/** What the page behind a link looks like. */
export type LinkPreview = {
  /** Its image, made smaller. */
  image?: Thumbnail | null;
  /** The title of the page. */
  title?: string | null;
  /** The link, as it is in the text. */
  url: string;
};

/** Which conversations. */
export type ListParams = {
  /** The account. */
  account: AccountId;
  /** Which. */
  filter?: Filter;
};

/** What the program noted. */
export type Logs = {
  /** One thing in each line, oldest first; at most 1,000 lines. */
  text: string;
};

/** How far a conversation was read. */
export type MarkReadParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** The sent time of the last message that was seen; all when left out. */
  up_to?: Milliseconds | null;
};

/** A mark. */
export type MarkUnreadParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** Whether the mark is set. */
  unread: boolean;
};

/** A message as it is, without what a timeline adds. */
export type Message = {
  /** How many files it holds. */
  attachments: number;
  /** Who wrote it. */
  author: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** When it disappears from this device, once that is known. */
  disappears_at?: Milliseconds | null;
  /** Until when the swarm keeps it. */
  expires_at?: Milliseconds | null;
  /** Its name in the swarm. */
  hash?: string | null;
  /** What it is. */
  kind: ShownKind;
  /** Whether it names the user. */
  mentions_me: boolean;
  /** Its number. */
  message_id: MessageId;
  /** Whether that is the user, at this or another device. */
  mine: boolean;
  /** The message it answers. */
  reply_to?: MessageName | null;
  /** When it was written. */
  sent_at: Milliseconds;
  /** Where it stands. */
  state: Delivery;
  /** When a node stored it. */
  stored_at?: Milliseconds | null;
  /** The text. */
  text: string;
  /** The sent time is this computer's and not yet compared with the network's. */
  time_unsure: boolean;
  /** When it disappears, by its writer's setting; of a changed timer, the new one. */
  timer: Timer;
  /** Whether the user has still to read it. */
  unread: boolean;
};

/** How many messages there are. */
export type MessageCount = {
  /** So many. */
  messages: number;
};

/** A message is given up. */
export type MessageFailed = {
  /** The account. */
  account: AccountId;
  /** The message. */
  message_id: MessageId;
  /** Why, for a person. */
  reason: string;
};

/** The number of a message on this device. */
export type MessageId = number;

/** What somebody wrote. */
export type MessageItem = {
  /** How many files it holds. */
  attachments: number;
  /** Who wrote it. */
  author: AccountId;
  /** When it disappears, once that is known. */
  disappears_at?: Milliseconds | null;
  /** Those of them that can be had. */
  files?: FileView[];
  /** The first of several that one person wrote at once. */
  first_in_run: boolean;
  /** An invitation to a community; there is no text then. */
  invitation?: InvitationView | null;
  /** The last of several that one person wrote at once. */
  last_in_run: boolean;
  /** Whether it names the user. */
  mentions_me: boolean;
  /** Its number. */
  message_id: MessageId;
  /** Whether that is the user, at this or another device. */
  mine: boolean;
  /** A link of the text with its title. */
  preview?: PreviewView | null;
  /** The message it answers. */
  quote?: QuoteView | null;
  /** Emojis, the first one put there first. */
  reactions: ReactionView[];
  /** When it was written. */
  sent_at: Milliseconds;
  /** The text. */
  spans: Span[];
  /** Where it stands. */
  state: Delivery;
  /** The sent time is this machine's and not yet compared with the network's. */
  time_unsure: boolean;
  /** When it disappears, by its writer's setting. */
  timer: Timer;
};

/** What names a message on every device. */
export type MessageName = {
  /** Who wrote it. */
  author: AccountId;
  /** Its sent time. */
  sent_at: Milliseconds;
};

/** One message. */
export type MessageParams = {
  /** The account. */
  account: AccountId;
  /** The message. */
  message_id: MessageId;
};

/** A message waits. */
export type MessagePostponed = {
  /** The account. */
  account: AccountId;
  /** The message. */
  message_id: MessageId;
  /** When it is tried again. */
  next_attempt: Milliseconds;
  /** Why, for a person. */
  reason: string;
};

/** A message came. */
export type MessageReceived = {
  /** The account. */
  account: AccountId;
  /** The message. */
  message: Message;
};

/** A message, if there is one. */
export type MessageResult = {
  /** The message. */
  message?: Message | null;
};

/** A message is stored. */
export type MessageSent = {
  /** The account. */
  account: AccountId;
  /** How many nodes confirmed it. */
  confirmed_by: number;
  /** Until when the swarm keeps it. */
  expires_at: Milliseconds;
  /** Its name in the recipient's swarm. */
  hash: string;
  /** The message. */
  message_id: MessageId;
  /** How long it took from the call, in milliseconds. */
  took_ms: number;
};

/** Messages. */
export type Messages = {
  /** Of a conversation the oldest first, of a search the newest first. */
  messages: Message[];
};

/** Some messages. */
export type MessagesParams = {
  /** The account. */
  account: AccountId;
  /** Those before this one. */
  before?: MessageId | null;
  /** The conversation. */
  conversation: AccountId;
  /** How many: at most 1,000. */
  limit?: number;
};

/** Unix time in milliseconds. */
export type Milliseconds = number;

/** Notifications were left out. */
export type Missed = {
  /** The account. */
  account: AccountId;
  /** How many. */
  count: number;
};

/** How a timeline grows. */
export type MoreParams = {
  /** The account. */
  account: AccountId;
  /** By how many messages: at most 200. */
  count?: number;
  /** To which side. */
  direction: Direction;
  /** The subscription. */
  sub: number;
};

/** The network, otherwise than before. */
export type NetworkChanged = {
  /** The account. */
  account: AccountId;
  /** As it is now. */
  network: NetworkState;
};

/** The own swarm did not answer. */
export type NetworkPollFailed = {
  /** The account. */
  account: AccountId;
  /** Why, for a person. */
  reason: string;
};

/** The own swarm was asked. */
export type NetworkPolled = {
  /** The account. */
  account: AccountId;
  /** Messages that were not known. */
  new_messages: number;
};

/** How the account stands to the network. */
export type NetworkReport = {
  /**
   * How far this computer's clock is wrong, in milliseconds: below zero when it is slow.
   * Absent when it is right or nothing is known.
   */
  clock_off_ms?: number | null;
  /** The network: `mainnet`, `testnet` or the URL of a seed. */
  name: string;
  /** How the account stands to it. */
  network: NetworkState;
  /** Network time. */
  now: Milliseconds;
  /** What went over the wire since the account was opened. */
  traffic: TrafficCount;
};

/** How the account stands to the network. Learned from requests only. */
export type NetworkState = {
  /** Guards from which nothing came back since a request last went through. */
  guards_tried?: number;
  state: "connecting";
  /** What is being done: `asking_seeds`, `confirming_list` or `trying_guards`. */
  step: string;
} | {
  /** Whether it stands in for a failing one. */
  backup: boolean;
  /** The third node of that request: it knew to which node it went, and not from where. */
  exit?: Node | null;
  /** The only node that sees this computer's address. */
  guard: Node;
  /** Since when it has been ours. */
  guard_since: Milliseconds;
  /** The second node of the last request that was answered. */
  middle?: Node | null;
  /** The nodes that keep the account's messages, when none of them answers. */
  silent_swarm?: SilentSwarm | null;
  state: "connected";
  /** What carried that request to the guard: `https` or `quic`. */
  wire?: string | null;
} | {
  /** What a person can do about it. */
  advice: string;
  /** Guards from which nothing came back since a request last went through. */
  guards_tried?: number;
  /**
   * Why: `clock_wrong`, `guards_unreachable`, `no_network`, `proxy_unreachable` or
   * `seeds_unreachable`.
   */
  reason: string;
  /** Since when. */
  since: Milliseconds;
  state: "offline";
};

/** A node of the network. */
export type Node = {
  /** Its address. */
  ip: string;
  /** Its key, as hexadecimal digits. */
  key: string;
  /** The port of its HTTPS listener. */
  port: number;
};

/** No parameters. */
export type Nothing = Record<string, never>;

/** What can happen. */
export type Notice = {
  /** Whether the user's own setting is another one and can be made the same. */
  differs: boolean;
  /** To this. */
  timer: Timer;
  what: "timer_changed";
} | {
  what: "request_accepted";
} | {
  what: "screenshot";
} | {
  /** When the message with the file was sent. */
  of?: Milliseconds | null;
  what: "media_saved";
};

/** Something happened in a conversation. */
export type NoticeItem = {
  /** Who did it. */
  author: AccountId;
  /** Its number. */
  message_id: MessageId;
  /** Whether that is the user. */
  mine: boolean;
  /** What. */
  notice: Notice;
  /** When. */
  sent_at: Milliseconds;
  /** Where it stands, as messages do. */
  state: Delivery;
};

/** What raises a notification. */
export type NotifyMode = "default" | "all" | "off" | "mentions";

/** What raises a notification. */
export type NotifyParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** Until when nothing does; not muted when left out. */
  muted_until?: Milliseconds | null;
  /** What does. */
  notify?: NotifyMode;
};

/** An account to be opened. */
export type OpenParams = {
  /** The account. */
  account: AccountId;
  /** The passphrase of its database, when it has one. */
  passphrase?: string | null;
};

/** Somebody, as named on screen. */
export type Person = {
  /** What stands for a picture. */
  avatar: Avatar;
  /** Who. */
  id: AccountId;
  /** What to call them: the nickname, else the name they chose, else the ends of their id. */
  name: string;
  /** Whether that is a name and not an id. */
  named: boolean;
  /**
   * Of the picture on this device: while it is the same number it is the same picture. Absent:
   * there is none.
   */
  picture?: Revision | null;
};

/** A person. */
export type PersonParams = {
  /** The account. */
  account: AccountId;
  /** Who. */
  person: AccountId;
};

/** A picture is where it should be. */
export type PictureChanged = {
  /** The account. */
  account: AccountId;
  /** Whose picture it is. */
  person: AccountId;
};

/** A picture is not where it should be. */
export type PictureFailed = {
  /** The account. */
  account: AccountId;
  /** Whether another try follows by itself. */
  again: boolean;
  /** Whose picture it is. */
  person: AccountId;
  /** Why, for a person. */
  reason: string;
};

/** A picture of a person. */
export type PictureInfo = {
  /** Its MIME type, when it is on this device. */
  mime?: string | null;
  /** Its bytes, when it is on this device. */
  part?: ContentPart | null;
  /**
   * Where its content is. The own one is `waiting` until it is at its server, and here all the
   * same.
   */
  state: FileStatus;
};

/** Which part of a picture. */
export type PictureParams = {
  /** The account. */
  account: AccountId;
  /** The first byte. */
  from?: number;
  /** Whose it is; the account's own id for its own. */
  person: AccountId;
};

/** The picture of a person, if they show one that is known here. */
export type PictureResult = {
  /** The picture. */
  picture?: PictureInfo | null;
};

/** A pin. */
export type PinParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** Whether it is pinned. */
  pinned: boolean;
};

/** What a poll brought. */
export type Polled = {
  /** There is more; another poll continues. */
  more: boolean;
  /** Messages that were not known. */
  new_messages: number;
};

/** What a front end keeps for itself. */
export type Preferences = {
  /** As it was set; empty at first. */
  value: string;
};

/** A link to be looked at. */
export type PreviewParams = {
  /** The account. */
  account: AccountId;
  /** The link, or the text that is being written: its first link. */
  text: string;
};

/** What a page looks like, if there is one to be looked at. */
export type PreviewResult = {
  /**
   * Absent when the text has no link that is looked at (https, of a public server), or the
   * page has neither title nor image.
   */
  preview?: LinkPreview | null;
};

/** What a page behind a link of the text looks like, as the writer of the message says. */
export type PreviewView = {
  /** Its image: a file of the message like others, at the place its `index` says. */
  image?: FileView | null;
  /** The title of the page. */
  title?: string | null;
  /** The address. */
  url: string;
};

/** The account itself. */
export type Profile = {
  /** The name as it was chosen; empty for none. */
  name: string;
  /** As others see it. */
  person: Person;
};

/** The account's own name or picture is another one now. */
export type ProfileChanged = {
  /** The account. */
  account: AccountId;
  /** As it is now. */
  profile: Profile;
};

/** A QR code. */
export type QrCode = {
  /**
   * Each row: `1` for a dark field, `0` for a light one. Without the light margin of four
   * fields that has to be around it.
   */
  rows: string[];
  /** Fields in a row, and rows. */
  size: number;
};

/** A text to be shown as a QR code. */
export type QrMakeParams = {
  /** At most 1,000 bytes. */
  text: string;
};

/** A picture in which there may be a QR code. */
export type QrReadParams = {
  /** How bright each pixel is, row after row, as Base64: at most 700,000 of them. */
  grey: string;
  /** Rows. */
  height: number;
  /** Pixels in a row. */
  width: number;
};

/** What a QR code says. */
export type QrText = {
  /** The text; absent when there is no code that can be read. */
  text?: string | null;
};

/** A message that is queued. */
export type Queued = {
  /** Its number. */
  message_id: MessageId;
  /** Its sent time. */
  sent_at: Milliseconds;
};

/** What is known of a message that is answered. */
export type QuoteState = {
  /** How many files it holds. */
  attachments: number;
  /** How it begins. */
  excerpt: string;
  /**
   * The first of them that can be had. A small picture of it is asked for by the number of
   * this message once it is here.
   */
  file?: FileView | null;
  is: "found";
  /** Its number. */
  message_id: MessageId;
} | {
  is: "deleted";
} | {
  is: "not_found";
};

/** A message that is answered. */
export type QuoteView = {
  /** Who wrote it. */
  author: AccountId;
  /** Whether that is the user. */
  mine: boolean;
  /** What to call them. */
  name: string;
  /** What is known of it. */
  original: QuoteState;
};

/** An emoji. */
export type ReactParams = {
  /** The account. */
  account: AccountId;
  /** The emoji. */
  emoji: string;
  /** The message. */
  message_id: MessageId;
  /** False: taken back. */
  present?: boolean;
};

/** One emoji at a message. */
export type ReactionView = {
  /** How many people put it there. */
  count: number;
  /** The emoji. */
  emoji: string;
  /** Whether the user is one of them. */
  mine: boolean;
  /** Who they are, the first one first. */
  who: AccountId[];
};

/** What a QR code says. */
export type ReadCodeParams = {
  /** Its text, as `qr.read` gives it. */
  text: string;
};

/** The words that are an account. */
export type RecoveryPassword = {
  /** The 13 words. */
  recovery_password: string;
  /** The same in 32 hexadecimal digits: as phones take it from a QR code. */
  seed: string;
};

/** Whether one side has still to accept the other. */
export type RequestState = "none" | "incoming" | "outgoing";

/** A registered name. */
export type ResolveParams = {
  /** The account that asks. */
  account: AccountId;
  /** The name, in any case. */
  name: string;
};

/** Whose a name is. */
export type Resolved = {
  /** The account. */
  person: AccountId;
};

/** An account that exists elsewhere. */
export type RestoreParams = {
  /** How the key of the database is kept. */
  key_store?: KeyStoreChoice;
  /** The name shown to others, should the account have none. */
  name?: string;
  /** `mainnet`, `testnet` or the URL of a seed; `mainnet` when left out. */
  network?: string | null;
  /** The passphrase, when it is kept by one. */
  passphrase?: string | null;
  /** Its 13 words. */
  recovery_password: string;
};

/** What became of another try. */
export type Retried = {
  /** False when the message has not failed. */
  queued: boolean;
};

/** Changes whenever anything of what is shown does. */
export type Revision = number;

/** The `error` of an answer. */
export type RpcError = {
  /** The number of the kind. */
  code: number;
  /** What programs decide by. */
  data: RpcErrorData;
  /** What went wrong, for a person. */
  message: string;
};

/** What programs decide by. */
export type RpcErrorData = {
  /** A stable name, such as `core.blocked`. */
  code: string;
  /** What can be done about it. */
  kind: ApiErrorKind;
};

/** Where a file is saved. */
export type SaveFileParams = {
  /** The account. */
  account: AccountId;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
  /** Whether it takes the place of a file that is there already. */
  overwrite?: boolean;
  /** The path of the new file on this computer. Its folder must exist. */
  path: string;
};

/** Words to be found. */
export type SearchParams = {
  /** The account. */
  account: AccountId;
  /** How many messages: at most 1,000. */
  limit?: number;
  /** In this conversation only. */
  within?: AccountId | null;
  /** The words. */
  words: string;
};

/** Files to be sent. */
export type SendFilesParams = {
  /** The account. */
  account: AccountId;
  /** The files: at most 32. */
  files: FileToSend[];
  /**
   * Whether the draft of the conversation stays: what is sent is something else, such as a
   * voice message.
   */
  keeps_draft?: boolean;
  /** The message they answer. */
  reply_to?: MessageId | null;
  /** The text that goes with them: at most 2,000 characters; none when left out. */
  text?: string;
  /** To whom; to the account itself: Note to Self. */
  to: AccountId;
};

/** A text to be sent. */
export type SendParams = {
  /** The account. */
  account: AccountId;
  /** Whether the draft of the conversation stays: what is sent is something else. */
  keeps_draft?: boolean;
  /** Whether what `messages.preview` found of the text's first link goes with it. */
  preview?: boolean;
  /** The message it answers. */
  reply_to?: MessageId | null;
  /** The text: at most 2,000 characters. */
  text: string;
  /** To whom; to the account itself: Note to Self. */
  to: AccountId;
};

/** Whether files come by themselves. */
export type SetAutoDownloadParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** When they do. */
  rule: AutoDownloadRule;
};

/** A draft. */
export type SetDraftParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /**
   * The files that go with it, in their order: at most 32. Those the draft has already are
   * named by `draft`; what is not named is removed. Left out: the files stay as they are.
   */
  files?: FileToSend[] | null;
  /** The message it answers; none when left out. One that cannot be answered is left out too. */
  reply_to?: MessageId | null;
  /** The text; empty for none. */
  text: string;
};

/** How the key of a database is to be kept from now on. */
export type SetKeyParams = {
  /** The account. */
  account: AccountId;
  /** How the key is kept from now on. */
  key_store: KeyStoreChoice;
  /** The new passphrase, when it is kept by one. */
  new_passphrase?: string | null;
  /** The passphrase that holds until now, if there is one. */
  passphrase?: string | null;
};

/** A new name. */
export type SetNameParams = {
  /** The account. */
  account: AccountId;
  /** The name: at most 100 bytes. */
  name: string;
};

/** A nickname. */
export type SetNicknameParams = {
  /** The account. */
  account: AccountId;
  /** The name: at most 100 bytes; empty for none. */
  nickname: string;
  /** Who. */
  person: AccountId;
};

/** A picture of the account: one at a path, or a content. */
export type SetPictureParams = {
  /** The account. */
  account: AccountId;
  /** Its content as Base64, instead of a path: at most 700,000 bytes. */
  content?: string | null;
  /** Where it is on this computer: at most 50,000,000 bytes. */
  path?: string | null;
  /** Instead of both: what was uploaded beside the calls. */
  upload?: string | null;
};

/** What a front end keeps for itself. */
export type SetPreferencesParams = {
  /** At most 16,384 bytes. Nothing secret: it is not encrypted. */
  value: string;
};

/** Settings to be changed. */
export type SetSettingsParams = {
  /** The account. */
  account: AccountId;
  /**
   * Whether files go straight to and from the network's file server where that is possible:
   * it then sees this computer's address.
   */
  direct_files?: boolean | null;
  /**
   * Where files and pictures sent from now on are kept: the server's URL, `#` and its key,
   * as the server prints it; or `default` for the network's.
   */
  file_server?: string | null;
  /**
   * Whether pages behind links may be looked at for previews: their servers then see this
   * computer's address, or that of the proxy.
   */
  link_previews?: boolean | null;
  /** Whether writers are told that their messages were read. */
  read_receipts?: boolean | null;
  /**
   * Whether the Recovery Password is to be shown on this device no more. There is no way
   * back.
   */
  recovery_hidden?: boolean | null;
  /**
   * Whether the user has the Recovery Password elsewhere: wrote it down, or restored with
   * it.
   */
  recovery_saved?: boolean | null;
  /** Whether others see that the user is typing. */
  typing?: boolean | null;
};

/** When messages disappear. */
export type SetTimerParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /**
   * When. The times are those other clients offer: 5, 10 or 30 seconds, 1, 5 or 30
   * minutes, 1, 6 or 12 hours, 1, 7 or 14 days.
   */
  timer: Timer;
};

/** What this device tells others about its user. */
export type SettingsResult = {
  /**
   * Whether files go straight to and from the network's file server where that is possible:
   * it then sees this computer's address.
   */
  direct_files: boolean;
  /**
   * Where files and pictures sent from here are kept: URL, `#` and key. A private network
   * may have nothing of the kind.
   */
  file_server?: string | null;
  /**
   * Whether pages behind links may be looked at for previews: their servers then see this
   * computer's address, or that of the proxy.
   */
  link_previews: boolean;
  /** Whether that is another one than the network's. */
  own_file_server: boolean;
  /** Whether writers are told that their messages were read. */
  read_receipts: boolean;
  /** Whether the Recovery Password is shown on this device no more. */
  recovery_hidden: boolean;
  /**
   * Whether the user has the Recovery Password elsewhere: wrote it down, or restored with
   * it.
   */
  recovery_saved: boolean;
  /** Whether others see that the user is typing. */
  typing: boolean;
};

/** What a message is. */
export type ShownKind = "text" | "invitation" | "timer_changed" | "request_accepted" | "screenshot" | "media_saved" | "deleted";

/** The nodes that keep the account's messages, none of which answers. Other nodes do. */
export type SilentSwarm = {
  /** How many there are; all were asked. */
  nodes: number;
  /** Since when. */
  since: Milliseconds;
};

/** One part of a text. All parts together are the text. */
export type Span = {
  kind: "text";
  /** As written. */
  text: string;
} | {
  /** Who. */
  id: AccountId;
  kind: "mention";
  /** Whether it is the user. */
  me: boolean;
  /** What to call them. */
  name: string;
} | {
  kind: "link";
  /** The address. */
  url: string;
};

/** How a step went. */
export type StepOutcome = "ok" | "warn" | "failed";

/** Something was not written. */
export type StorageFailed = {
  /** The account. */
  account: AccountId;
  /**
   * Why: `store.disk_full`, `store.not_writable`, `store.io`, `store.damaged` or
   * `store.database`.
   */
  code: string;
};

/** A subscription. */
export type SubscriptionParams = {
  /** The account. */
  account: AccountId;
  /** The subscription. */
  sub: number;
};

/** The nodes that keep the messages for an account. */
export type Swarm = {
  /** All of them. */
  nodes: SwarmNode[];
};

/** A node that keeps the messages for an account. */
export type SwarmNode = {
  /** Whether it has not failed to answer within the last minute. */
  answers: boolean;
  /** The node. */
  node: Node;
};

/** A smaller picture of a file. */
export type Thumbnail = {
  /** Its bytes as Base64. */
  content: string;
  /** Height in pixels. */
  height: number;
  /** Its MIME type: `image/jpeg` or `image/png`. */
  mime: string;
  /** Width in pixels. */
  width: number;
};

/** A smaller picture of a file. */
export type ThumbnailParams = {
  /** The account. */
  account: AccountId;
  /** Which of its files, from 0. */
  index: number;
  /** The message. */
  message_id: MessageId;
  /** The most pixels it is wide and high: at most 400. */
  side?: number;
};

/** Changes of a timeline. */
export type TimelineDiff = {
  /** The account. */
  account: AccountId;
  /** Whether it ends with the last item. */
  at_end: boolean;
  /** Whether the conversation begins with the first item. */
  at_start: boolean;
  /** One more after each `reset`. */
  gen: number;
  /** What changes, in this order. */
  ops: TimelineItemOp[];
  /** Those who talk, when a name is another one now. */
  people?: Person[] | null;
  /** One more with each diff. When one is missing, open the timeline again. */
  seq: number;
  /** The subscription. */
  sub: number;
  /** Where the separator before what was new is. */
  unread_index?: number | null;
};

/** Where a timeline ends now. */
export type TimelineEdges = {
  /** Whether it ends with the last item. */
  at_end: boolean;
  /** Whether the conversation begins with the first item. */
  at_start: boolean;
};

/** One item of a timeline. */
export type TimelineItem = {
  /** Names the item as long as the timeline is shown. */
  id: string;
  /** Changes whenever anything of the item does. */
  rev: Revision;
} & (MessageItem & {
  kind: "message";
} | NoticeItem & {
  kind: "notice";
} | {
  /** Who wrote and deleted it. */
  author: AccountId;
  kind: "deleted";
  /** Its number. */
  message_id: MessageId;
  /** Whether that is the user. */
  mine: boolean;
  /** When it was written. */
  sent_at: Milliseconds;
} | {
  /** The day where the reader is: `2026-11-21`. */
  date: string;
  kind: "day";
} | {
  /** So many messages. */
  count: number;
  kind: "unread";
});

/** One change of a list. Positions are those of the list as the changes before have left it. */
export type TimelineItemOp = {
  /** All items. */
  items: TimelineItem[];
  op: "reset";
} | {
  /** Where. */
  at: number;
  /** These come. */
  insert: TimelineItem[];
  op: "splice";
  /** So many items go. */
  remove: number;
} | {
  /** Where. */
  at: number;
  /** The new one, of the same id. */
  item: TimelineItem;
  op: "set";
};

/** A part of a conversation. */
export type TimelineOpened = {
  /** Whether it ends with the last item. */
  at_end: boolean;
  /** Whether the conversation begins with the first item. */
  at_start: boolean;
  /** As in diffs. */
  gen: number;
  /** Oldest first. */
  items: TimelineItem[];
  /** Those who talk: the account itself and the other side. */
  people: Person[];
  /** That of the last diff: the next one's is one more. */
  seq: number;
  /** Names the subscription. */
  sub: number;
  /** Where the separator before what is new is. */
  unread_index?: number | null;
};

/** Which part of a conversation. */
export type TimelineParams = {
  /** The account. */
  account: AccountId;
  /** The place; the end when left out. */
  around?: Around;
  /** The conversation. */
  conversation: AccountId;
  /**
   * Where the reader is, for the days: an IANA name such as `Europe/Berlin`. This
   * computer's time zone when left out.
   */
  time_zone?: string | null;
};

/** When messages disappear. */
export type Timer = {
  mode: "off";
} | {
  mode: "after_read";
  /** So many seconds. */
  seconds: number;
} | {
  mode: "after_send";
  /** So many seconds. */
  seconds: number;
};

/** What became of a timer. */
export type TimerSet = {
  /** The notice that tells the other side; absent when the timer was this one already. */
  message?: Queued | null;
};

/** What went over the wire. */
export type TrafficCount = {
  /** Bytes received. */
  bytes_in: number;
  /** Bytes sent. */
  bytes_out: number;
  /** Of these, requests over QUIC. */
  quic_requests: number;
  /** Requests to seeds and guards. */
  requests: number;
};

/** Somebody begins or stops to type. */
export type Typing = {
  /** The account. */
  account: AccountId;
  /** Who. */
  conversation: AccountId;
  /** False: stopped. */
  typing: boolean;
};

/** Typing. */
export type TypingParams = {
  /** The account. */
  account: AccountId;
  /** The conversation. */
  conversation: AccountId;
  /** False: stopped. */
  typing: boolean;
};

/** What became of bringing a message back. */
export type Undeleted = {
  /** False when it is gone for good. */
  restored: boolean;
};

/** Parameters and result of each method. */
export interface Methods {
  /** The first call: what speaks here, and which accounts there are. */
  "hello": { params: HelloParams; result: Hello };
  /** All accounts on this device, the oldest first. */
  "accounts.list": { params: Nothing; result: Accounts };
  /** Makes a new account and opens it. */
  "accounts.create": { params: CreateParams; result: AccountResult };
  /**
   * Brings an account back from its Recovery Password and opens it. Messages of the last
   * 14 days arrive as soon as the network answers.
   */
  "accounts.restore": { params: RestoreParams; result: AccountResult };
  /**
   * Opens an account: it sends, polls and tells from now on. Nothing happens when it is
   * open.
   */
  "accounts.open": { params: OpenParams; result: AccountResult };
  /** Closes an account. What is queued stays queued. */
  "accounts.close": { params: AccountParams; result: Closed };
  /**
   * Removes an account with all its messages from this device. Only the Recovery Password
   * brings it back.
   */
  "accounts.remove": { params: AccountParams; result: Done };
  /** Deletes everything the account's swarm holds. What is on this device stays. */
  "accounts.delete_from_swarm": { params: AccountParams; result: DeletedFromSwarm };
  /** Keeps the key of an account's database in another way, or under another passphrase. */
  "accounts.set_key": { params: SetKeyParams; result: Done };
  /** Looks at the words of a Recovery Password while they are typed. Nothing is kept. */
  "accounts.check_words": { params: CheckWordsParams; result: CheckedWords };
  /**
   * What the text of a QR code is, which somebody scanned to restore an account. Nothing is
   * kept.
   */
  "accounts.read_code": { params: ReadCodeParams; result: CodeContent };
  /**
   * The 13 words that are the account. Whoever has them owns it. `api.recovery_hidden` once
   * they are shown no more.
   */
  "accounts.recovery_password": { params: AccountParams; result: RecoveryPassword };
  /** Name and id of the account. */
  "profile.get": { params: AccountParams; result: Profile };
  /** Changes the name shown to others. */
  "profile.set_name": { params: SetNameParams; result: Done };
  /**
   * Shows others a picture, cut to a square. It is on disk when this answers; others hear of
   * it once it is at its server: `picture.changed` tells when.
   */
  "profile.set_picture": { params: SetPictureParams; result: Done };
  /** Shows others no picture any more. */
  "profile.remove_picture": { params: AccountParams; result: Done };
  /** The picture of a person, or the account's own. A long one is fetched part by part. */
  "pictures.get": { params: PictureParams; result: PictureResult };
  /** What this device tells others about its user. */
  "settings.get": { params: AccountParams; result: SettingsResult };
  /** Changes what this device tells others about its user; what is left out stays. */
  "settings.set": { params: SetSettingsParams; result: SettingsResult };
  /**
   * Subscribes to the list of conversations: its rows now, and `conversations.diff`
   * whenever they change.
   */
  "conversations.open": { params: ListParams; result: ConversationsOpened };
  /** Ends a subscription. */
  "conversations.close": { params: SubscriptionParams; result: Done };
  /** The list of conversations once. */
  "conversations.list": { params: ListParams; result: Conversations };
  /** One conversation; `null` when there is none. */
  "conversations.get": { params: ConversationParams; result: ConversationResult };
  /**
   * The user has seen a conversation up to a sent time, or all of it. Timers of messages
   * that disappear after reading start; writers are told if both sides want that.
   */
  "conversations.mark_read": { params: MarkReadParams; result: Done };
  /** Sets or clears the mark that brings the user back to a conversation. */
  "conversations.mark_unread": { params: MarkUnreadParams; result: Done };
  /** What was begun to be written in a conversation on this device. */
  "conversations.draft": { params: ConversationParams; result: Draft };
  /**
   * Keeps what was begun to be written, and gives it back. Once this answers, copies of its
   * files are on disk: nothing of it is lost when the program ends, however it does. Sending
   * a message forgets it.
   */
  "conversations.set_draft": { params: SetDraftParams; result: Draft };
  /** The content of a file of a draft, as it was chosen. A long one is fetched part by part. */
  "conversations.draft_file": { params: DraftFileParams; result: ContentPart };
  /** A smaller picture of a file of a draft. */
  "conversations.draft_thumbnail": { params: DraftThumbnailParams; result: Thumbnail };
  /** Pins a conversation to the top of the list, or lets it go. Five can be pinned. */
  "conversations.pin": { params: PinParams; result: Done };
  /** What of a conversation raises a notification, and until when nothing does. */
  "conversations.notify": { params: NotifyParams; result: Done };
  /** Sets when the user's messages disappear, and tells the other side. */
  "conversations.set_timer": { params: SetTimerParams; result: TimerSet };
  /**
   * Tells the other side that the user types, or has stopped to, if the settings allow
   * it. To be repeated every ten seconds.
   */
  "conversations.typing": { params: TypingParams; result: Done };
  /**
   * Tells the other side that a screenshot was taken or a file was saved. `files.save` does
   * so by itself.
   */
  "conversations.tell_extraction": { params: ExtractionParams; result: Done };
  /** Whether files of a conversation come to this device by themselves. */
  "conversations.auto_download": { params: ConversationParams; result: AutoDownloadResult };
  /** Sets whether files of a conversation come to this device by themselves from now on. */
  "conversations.set_auto_download": { params: SetAutoDownloadParams; result: Done };
  /** Removes all messages of a conversation from this device. */
  "conversations.clear": { params: ConversationParams; result: Done };
  /** Removes a conversation from all own devices. The person stays a contact. */
  "conversations.delete": { params: ConversationParams; result: Done };
  /** Accepts a message request. Who wrote it is told. */
  "requests.accept": { params: PersonParams; result: Done };
  /** Refuses a message request. Who wrote it is not told. */
  "requests.decline": { params: DeclineParams; result: Done };
  /** Takes in nothing more of a person, or does again. The person is not told. */
  "contacts.block": { params: BlockParams; result: Done };
  /** Names a person for this account's devices; empty: by the name they chose. */
  "contacts.set_nickname": { params: SetNicknameParams; result: Done };
  /** Forgets a person and the conversation on all own devices. */
  "contacts.delete": { params: PersonParams; result: Done };
  /**
   * The account registered under a name. Three nodes are asked; they learn a hash of the
   * name and not who asks. Nothing is kept. To be shown before it is used.
   */
  "contacts.resolve": { params: ResolveParams; result: Resolved };
  /**
   * Subscribes to a part of a conversation: its items now, and `timeline.diff` whenever
   * they change.
   */
  "timeline.open": { params: TimelineParams; result: TimelineOpened };
  /**
   * Lets a timeline grow at one side. The items come as a `timeline.diff`; the part holds
   * 600 items at most, what is too much goes at the other side.
   */
  "timeline.more": { params: MoreParams; result: TimelineEdges };
  /** Ends a subscription. */
  "timeline.close": { params: SubscriptionParams; result: Done };
  /**
   * Queues a text. Once this answers, the message is on disk and will be sent, or
   * reported as failed, also after a restart.
   */
  "messages.send": { params: SendParams; result: Queued };
  /**
   * Queues files, with a text or without. Once this answers, copies of them are on disk,
   * pictures without what cameras write beside them; they are uploaded and sent in the order
   * of the conversation, or reported as failed, also after a restart.
   */
  "messages.send_files": { params: SendFilesParams; result: Queued };
  /**
   * Looks at the page behind the first link of a text, for a preview that can go with the
   * message (`preview` of `messages.send`). Its server sees this computer's address, or that
   * of the proxy: `core.previews_off` unless the user has turned `link_previews` on in the
   * settings. May take twenty seconds for the page and as long for its image.
   */
  "messages.preview": { params: PreviewParams; result: PreviewResult };
  /** Queues an invitation to a community. */
  "messages.invite": { params: InviteParams; result: Queued };
  /** Puts an emoji at a message, or takes it back. */
  "messages.react": { params: ReactParams; result: Done };
  /**
   * Deletes a message. One that is deleted on this device alone can be brought back for a
   * while, if that is asked for.
   */
  "messages.delete": { params: DeleteParams; result: Deleted };
  /** Brings a message back that was deleted on this device so that it can be. */
  "messages.undelete": { params: MessageParams; result: Undeleted };
  /** How many messages that somebody wrote there are on this device. */
  "messages.count": { params: CountParams; result: MessageCount };
  /** Tries a failed message again. */
  "messages.retry": { params: MessageParams; result: Retried };
  /** All that is known of a message. */
  "messages.info": { params: MessageParams; result: MessageResult };
  /** Messages of a conversation without a subscription: the newest, or those before one. */
  "messages.list": { params: MessagesParams; result: Messages };
  /** The newest messages that hold all words, of the last one at least the beginning. */
  "messages.search": { params: SearchParams; result: Messages };
  /** The files of a message. */
  "files.list": { params: MessageParams; result: Files };
  /**
   * Asks for a file, again if it failed before. `file.progress`, `file.done` and
   * `file.failed` tell what becomes of it; it is asked for across restarts.
   */
  "files.download": { params: FileParams; result: DownloadAsked };
  /** Asks no more for a file. One that is being uploaded is stopped by deleting its message. */
  "files.cancel": { params: FileParams; result: DownloadCancelled };
  /** A voice message is being listened to: `unheard` is no longer said of it. Nobody is told. */
  "files.heard": { params: FileParams; result: Done };
  /**
   * Writes a file that is on this device to a place of the user's choice. Whoever sent it is
   * told, as other clients do it.
   */
  "files.save": { params: SaveFileParams; result: Done };
  /** The content of a file that is on this device. A long one is fetched part by part. */
  "files.content": { params: FileContentParams; result: ContentPart };
  /** A smaller picture of a file that is on this device. */
  "files.thumbnail": { params: ThumbnailParams; result: Thumbnail };
  /** How much room files take on this device. */
  "files.usage": { params: FilesUsageParams; result: FilesUsageResult };
  /** How much room `files.drop_copies` would free. */
  "files.droppable": { params: CopiesParams; result: FilesUsageResult };
  /**
   * Removes the copies of files that came, in a conversation or in all, of messages of any
   * time or sent before one, from this device. They can be asked for again as long as their
   * server has them.
   */
  "files.drop_copies": { params: CopiesParams; result: FilesUsageResult };
  /** How the account stands to the network. */
  "network.status": { params: AccountParams; result: NetworkReport };
  /** Asks the account's swarm for messages now. */
  "network.poll": { params: AccountParams; result: Polled };
  /**
   * The nodes that keep the messages for the account. They are asked for when they are not
   * known.
   */
  "network.swarm": { params: AccountParams; result: Swarm };
  /** Tries everything that a message needs, step by step. Takes some seconds. */
  "network.diagnose": { params: AccountParams; result: Diagnosis };
  /** A text as a QR code. */
  "qr.make": { params: QrMakeParams; result: QrCode };
  /** The text of a QR code in a picture. */
  "qr.read": { params: QrReadParams; result: QrText };
  /**
   * What the program noted of its work, for whoever is asked for help: no ids, addresses,
   * names or contents are in it.
   */
  "logs.get": { params: Nothing; result: Logs };
  /** What front ends keep for themselves, for all accounts of this device. */
  "preferences.get": { params: Nothing; result: Preferences };
  /** Keeps something for front ends, instead of what was kept before. */
  "preferences.set": { params: SetPreferencesParams; result: Done };
}

/** What each notification tells. */
export interface Notifications {
  /** An account was opened or closed. After it is closed its subscriptions tell nothing more. */
  "account.changed": AccountChanged;
  /** Rows of a list of conversations are other ones now. */
  "conversations.diff": ConversationsDiff;
  /** Items of a timeline are other ones now. */
  "timeline.diff": TimelineDiff;
  /** A message came: of somebody, or of another own device. Each is told once. */
  "message.received": MessageReceived;
  /** The recipient's swarm has a message. */
  "message.sent": MessageSent;
  /** A try to send a message did not succeed; another follows. */
  "message.postponed": MessagePostponed;
  /** A message is given up; it stays with the reason and can be tried again. */
  "message.failed": MessageFailed;
  /** Somebody begins or stops to type. What is not repeated within 15 seconds is over. */
  "typing": Typing;
  /** The account's own name or picture is another one now. */
  "profile.changed": ProfileChanged;
  /**
   * A file is on its way, up or down. Told a few times per second at most; for a slow reader the
   * last of several stands for all.
   */
  "file.progress": FileProgress;
  /** A file is at its server, or has come. */
  "file.done": FileDone;
  /** A file was not uploaded, or has not come. */
  "file.failed": FileFailed;
  /** The picture of a person has come, or the account's own is at its server. */
  "picture.changed": PictureChanged;
  /** The picture of a person has not come, or the account's own was not uploaded. */
  "picture.failed": PictureFailed;
  /** How the account stands to the network is different now. */
  "network.changed": NetworkChanged;
  /**
   * The disk of this computer is full or fails: something was not written. What was on disk
   * before stays there.
   */
  "storage.failed": StorageFailed;
  /** The account's swarm was asked for messages. */
  "network.polled": NetworkPolled;
  /** The account's swarm did not answer; it is asked again. */
  "network.poll_failed": NetworkPollFailed;
  /** The own swarm has what this device changed in contacts and settings. */
  "configs.stored": ConfigsStored;
  /**
   * This connection was slow and notifications were left out. Diffs are complete all the
   * same.
   */
  "notifications.missed": Missed;
}
