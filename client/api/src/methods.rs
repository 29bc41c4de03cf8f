//! The methods: each is a function from its parameters to its result. This table is all there is
//! of them besides those functions; calls, schema and types are made from it.

mod accounts;
mod conversations;
mod files;
mod messages;
mod network;
pub mod params;
mod people;
mod pictures;
mod profile;
mod timeline;
mod tools;

use crate::method::{Method, Order};

macro_rules! methods {
    ($( $(#[doc = $doc:literal])* $name:literal $order:ident $($handler:ident)::+; )*) => {
        vec![$( Method::new($name, &[$($doc),*], Order::$order, $($handler)::+) ),*]
    };
}

/// All methods.
pub(crate) fn table() -> Vec<Method> {
    methods! {
        /// The first call: what speaks here, and which accounts there are.
        "hello" Process accounts::hello;

        /// All accounts on this device, the oldest first.
        "accounts.list" Process accounts::list;
        /// Makes a new account and opens it.
        "accounts.create" Process accounts::create;
        /// Brings an account back from its Recovery Password and opens it. Messages of the last
        /// 14 days arrive as soon as the network answers.
        "accounts.restore" Process accounts::restore;
        /// Opens an account: it sends, polls and tells from now on. Nothing happens when it is
        /// open.
        "accounts.open" Process accounts::open;
        /// Closes an account. What is queued stays queued.
        "accounts.close" Process accounts::close;
        /// Removes an account with all its messages from this device. Only the Recovery Password
        /// brings it back.
        "accounts.remove" Process accounts::remove;
        /// Deletes everything the account's swarm holds. What is on this device stays.
        "accounts.delete_from_swarm" Free accounts::delete_from_swarm;
        /// Keeps the key of an account's database in another way, or under another passphrase.
        "accounts.set_key" Process accounts::set_key;
        /// Looks at the words of a Recovery Password while they are typed. Nothing is kept.
        "accounts.check_words" Free tools::check_words;
        /// What the text of a QR code is, which somebody scanned to restore an account. Nothing is
        /// kept.
        "accounts.read_code" Free tools::read_code;
        /// The 13 words that are the account. Whoever has them owns it. `api.recovery_hidden` once
        /// they are shown no more.
        "accounts.recovery_password" Free accounts::recovery_password;

        /// Name and id of the account.
        "profile.get" Free profile::get;
        /// Changes the name shown to others.
        "profile.set_name" InTurn profile::set_name;
        /// Shows others a picture, cut to a square. It is on disk when this answers; others hear of
        /// it once it is at its server: `picture.changed` tells when.
        "profile.set_picture" InTurn pictures::set;
        /// Shows others no picture any more.
        "profile.remove_picture" InTurn pictures::remove;
        /// The picture of a person, or the account's own. A long one is fetched part by part.
        "pictures.get" Free pictures::get;
        /// What this device tells others about its user.
        "settings.get" Free profile::settings;
        /// Changes what this device tells others about its user; what is left out stays.
        "settings.set" InTurn profile::set_settings;

        /// Subscribes to the list of conversations: its rows now, and `conversations.diff`
        /// whenever they change.
        "conversations.open" InTurn conversations::open;
        /// Ends a subscription.
        "conversations.close" InTurn conversations::close;
        /// The list of conversations once.
        "conversations.list" Free conversations::list;
        /// One conversation; `null` when there is none.
        "conversations.get" Free conversations::get;
        /// The user has seen a conversation up to a sent time, or all of it. Timers of messages
        /// that disappear after reading start; writers are told if both sides want that.
        "conversations.mark_read" InTurn conversations::mark_read;
        /// Sets or clears the mark that brings the user back to a conversation.
        "conversations.mark_unread" InTurn conversations::mark_unread;
        /// What was begun to be written in a conversation on this device.
        "conversations.draft" Free conversations::draft;
        /// Keeps what was begun to be written, and gives it back. Once this answers, copies of its
        /// files are on disk: nothing of it is lost when the program ends, however it does. Sending
        /// a message forgets it.
        "conversations.set_draft" InTurn conversations::set_draft;
        /// The content of a file of a draft, as it was chosen. A long one is fetched part by part.
        "conversations.draft_file" Free files::draft_content;
        /// A smaller picture of a file of a draft.
        "conversations.draft_thumbnail" Free files::draft_thumbnail;
        /// Pins a conversation to the top of the list, or lets it go. Five can be pinned.
        "conversations.pin" InTurn conversations::pin;
        /// What of a conversation raises a notification, and until when nothing does.
        "conversations.notify" InTurn conversations::notify;
        /// Sets when the user's messages disappear, and tells the other side.
        "conversations.set_timer" InTurn conversations::set_timer;
        /// Tells the other side that the user types, or has stopped to, if the settings allow
        /// it. To be repeated every ten seconds.
        "conversations.typing" Free conversations::typing;
        /// Tells the other side that a screenshot was taken or a file was saved. `files.save` does
        /// so by itself.
        "conversations.tell_extraction" InTurn conversations::tell_extraction;
        /// Whether files of a conversation come to this device by themselves.
        "conversations.auto_download" Free files::auto_download;
        /// Sets whether files of a conversation come to this device by themselves from now on.
        "conversations.set_auto_download" InTurn files::set_auto_download;
        /// Removes all messages of a conversation from this device.
        "conversations.clear" InTurn conversations::clear;
        /// Removes a conversation from all own devices. The person stays a contact.
        "conversations.delete" InTurn conversations::delete;

        /// Accepts a message request. Who wrote it is told.
        "requests.accept" InTurn people::accept;
        /// Refuses a message request. Who wrote it is not told.
        "requests.decline" InTurn people::decline;
        /// Takes in nothing more of a person, or does again. The person is not told.
        "contacts.block" InTurn people::block;
        /// Names a person for this account's devices; empty: by the name they chose.
        "contacts.set_nickname" InTurn people::set_nickname;
        /// Forgets a person and the conversation on all own devices.
        "contacts.delete" InTurn people::delete;
        /// The account registered under a name. Three nodes are asked; they learn a hash of the
        /// name and not who asks. Nothing is kept. To be shown before it is used.
        "contacts.resolve" Free people::resolve;

        /// Subscribes to a part of a conversation: its items now, and `timeline.diff` whenever
        /// they change.
        "timeline.open" InTurn timeline::open;
        /// Lets a timeline grow at one side. The items come as a `timeline.diff`; the part holds
        /// 600 items at most, what is too much goes at the other side.
        "timeline.more" InTurn timeline::more;
        /// Ends a subscription.
        "timeline.close" InTurn timeline::close;

        /// Queues a text. Once this answers, the message is on disk and will be sent, or
        /// reported as failed, also after a restart.
        "messages.send" InTurn messages::send;
        /// Queues files, with a text or without. Once this answers, copies of them are on disk,
        /// pictures without what cameras write beside them; they are uploaded and sent in the order
        /// of the conversation, or reported as failed, also after a restart.
        "messages.send_files" InTurn files::send;
        /// Looks at the page behind the first link of a text, for a preview that can go with the
        /// message (`preview` of `messages.send`). Its server sees this computer's address, or that
        /// of the proxy: `core.previews_off` unless the user has turned `link_previews` on in the
        /// settings. May take twenty seconds for the page and as long for its image.
        "messages.preview" Free messages::preview;
        /// Queues an invitation to a community.
        "messages.invite" InTurn messages::invite;
        /// Puts an emoji at a message, or takes it back.
        "messages.react" InTurn messages::react;
        /// Deletes a message. One that is deleted on this device alone can be brought back for a
        /// while, if that is asked for.
        "messages.delete" InTurn messages::delete;
        /// Brings a message back that was deleted on this device so that it can be.
        "messages.undelete" InTurn messages::undelete;
        /// How many messages that somebody wrote there are on this device.
        "messages.count" Free messages::count;
        /// Tries a failed message again.
        "messages.retry" InTurn messages::retry;
        /// All that is known of a message.
        "messages.info" Free messages::info;
        /// Messages of a conversation without a subscription: the newest, or those before one.
        "messages.list" Free messages::list;
        /// The newest messages that hold all words, of the last one at least the beginning.
        "messages.search" Free messages::search;

        /// The files of a message.
        "files.list" Free files::list;
        /// Asks for a file, again if it failed before. `file.progress`, `file.done` and
        /// `file.failed` tell what becomes of it; it is asked for across restarts.
        "files.download" InTurn files::download;
        /// Asks no more for a file. One that is being uploaded is stopped by deleting its message.
        "files.cancel" InTurn files::cancel;
        /// A voice message is being listened to: `unheard` is no longer said of it. Nobody is told.
        "files.heard" InTurn files::heard;
        /// Writes a file that is on this device to a place of the user's choice. Whoever sent it is
        /// told, as other clients do it.
        "files.save" Free files::save;
        /// The content of a file that is on this device. A long one is fetched part by part.
        "files.content" Free files::content;
        /// A smaller picture of a file that is on this device.
        "files.thumbnail" Free files::thumbnail;
        /// How much room files take on this device.
        "files.usage" Free files::usage;
        /// How much room `files.drop_copies` would free.
        "files.droppable" Free files::droppable;
        /// Removes the copies of files that came, in a conversation or in all, of messages of any
        /// time or sent before one, from this device. They can be asked for again as long as their
        /// server has them.
        "files.drop_copies" InTurn files::drop_copies;

        /// How the account stands to the network.
        "network.status" Free network::status;
        /// Asks the account's swarm for messages now.
        "network.poll" Free network::poll;
        /// The nodes that keep the messages for the account. They are asked for when they are not
        /// known.
        "network.swarm" Free network::swarm;
        /// Tries everything that a message needs, step by step. Takes some seconds.
        "network.diagnose" Free network::diagnose;

        /// A text as a QR code.
        "qr.make" Free tools::qr_make;
        /// The text of a QR code in a picture.
        "qr.read" Free tools::qr_read;
        /// What the program noted of its work, for whoever is asked for help: no ids, addresses,
        /// names or contents are in it.
        "logs.get" Process tools::logs;
        /// What front ends keep for themselves, for all accounts of this device.
        "preferences.get" Process tools::preferences;
        /// Keeps something for front ends, instead of what was kept before.
        "preferences.set" Process tools::set_preferences;
    }
}
