//! What a front end can ask of an account.

use core::time::Duration;

use session_config::Notify;
use session_messages::{Content, Expiration, Typing, encode_direct};
use session_net::{FileServer, Purpose};
use session_storage_rpc::request::DeleteAll;
use session_storage_rpc::{AccountSigner, NamespaceFilter, Request, Store as StoreRequest};
use session_store::{
    ConversationRow, Invitation, MessageId, MessageRow, OutgoingRow, ReactionRow, Store, StoreError,
};
use session_types::{AccountId, SwarmPubkey, Timestamp};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Account, Command, PollSummary, Shared};
use crate::model::{Tx, settings, undoable};
use crate::view::Reader;
use crate::{CoreError, DeleteFor, Settings};

/// How long a message waits for the network's time.
const TIME_PATIENCE: Duration = Duration::from_secs(2);

impl Account {
    /// Queues an invitation to a community, by the room's address with its key.
    ///
    /// # Errors
    /// As [`Self::send_text`]; [`CoreError::Build`] when the address or the name is missing.
    pub async fn invite_to_community(
        &self,
        to: AccountId,
        invitation: Invitation,
    ) -> Result<OutgoingRow, CoreError> {
        self.stamped(move |tx, unsure| tx.send_invitation(&to, invitation, unsure))
            .await
    }

    /// Sets when the user's messages in a conversation disappear, and tells the other side.
    /// `None` when that is how it was.
    ///
    /// # Errors
    /// [`CoreError::BadTimer`], [`CoreError::NoteTimer`], [`CoreError::Blocked`].
    pub async fn set_timer(
        &self,
        conversation: AccountId,
        expiration: Expiration,
    ) -> Result<Option<OutgoingRow>, CoreError> {
        self.stamped(move |tx, unsure| tx.set_timer(&conversation, expiration, unsure))
            .await
    }

    /// Puts an emoji at a message, or takes it back. Both sides and all devices see it.
    ///
    /// # Errors
    /// [`CoreError::NoEmoji`], [`CoreError::CannotReact`],
    /// [`CoreError::TooManyReactions`].
    pub async fn react(
        &self,
        message: MessageId,
        emoji: &str,
        present: bool,
    ) -> Result<(), CoreError> {
        let emoji = emoji.to_owned();
        self.stamped(move |tx, _| tx.react(message, &emoji, present))
            .await
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// [`CoreError::NotYours`], [`CoreError::OnlyInNotes`], [`CoreError::OnlyForOwnDevices`],
    /// [`session_store::StoreError::UnknownMessage`].
    pub async fn delete(&self, message: MessageId, whom: DeleteFor) -> Result<(), CoreError> {
        self.stamped(move |tx, _| tx.delete(message, whom)).await
    }

    /// Removes all messages of a conversation from this device.
    ///
    /// # Errors
    /// A database error.
    pub async fn clear(&self, conversation: AccountId) -> Result<(), CoreError> {
        self.change(move |tx| tx.clear(&conversation)).await
    }

    /// Removes a conversation from all own devices. The person stays a contact; a new message
    /// brings the conversation back.
    ///
    /// # Errors
    /// A database error.
    pub async fn delete_conversation(&self, conversation: AccountId) -> Result<(), CoreError> {
        self.change(move |tx| tx.delete_conversation(&conversation))
            .await
    }

    /// Forgets a person and the conversation on all own devices.
    ///
    /// # Errors
    /// [`CoreError::OwnAccount`], or a database error.
    pub async fn delete_contact(&self, id: AccountId) -> Result<(), CoreError> {
        self.change(move |tx| tx.delete_contact(&id)).await
    }

    /// Accepts a message request. Who wrote it is told.
    ///
    /// # Errors
    /// [`CoreError::OwnAccount`], or a database error.
    pub async fn accept(&self, id: AccountId) -> Result<(), CoreError> {
        self.stamped(move |tx, _| tx.accept(&id)).await
    }

    /// Refuses a message request, perhaps for good. Who wrote it is not told.
    ///
    /// # Errors
    /// [`CoreError::NoRequest`] when the person is accepted already.
    pub async fn decline(&self, id: AccountId, block: bool) -> Result<(), CoreError> {
        self.change(move |tx| tx.decline(&id, block)).await
    }

    /// Takes in nothing more of a person, or does again. The person is not told.
    ///
    /// # Errors
    /// [`CoreError::OwnAccount`], or a database error.
    pub async fn set_blocked(&self, id: AccountId, blocked: bool) -> Result<(), CoreError> {
        self.change(move |tx| tx.set_blocked(&id, blocked)).await
    }

    /// Names a person for this account's devices; empty: by the name they chose.
    ///
    /// # Errors
    /// [`CoreError::Config`] when it is longer than 100 bytes.
    pub async fn set_nickname(&self, id: AccountId, name: &str) -> Result<(), CoreError> {
        let name = name.to_owned();
        self.change(move |tx| tx.set_nickname(&id, &name)).await
    }

    /// Pins a conversation to the top of the list, or lets it go.
    ///
    /// # Errors
    /// [`CoreError::TooManyPinned`].
    pub async fn set_pinned(&self, id: AccountId, pinned: bool) -> Result<(), CoreError> {
        self.change(move |tx| tx.set_pinned(&id, pinned)).await
    }

    /// What of a conversation raises a notification, and until when nothing does.
    ///
    /// # Errors
    /// [`CoreError::OwnAccount`], or a database error.
    pub async fn set_notifications(
        &self,
        id: AccountId,
        notify: Notify,
        muted_until: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        self.change(move |tx| tx.set_notifications(&id, notify, muted_until))
            .await
    }

    /// The user has seen a conversation up to a sent time, or all of it. Timers of messages that
    /// disappear after reading start; writers are told if both sides want that.
    ///
    /// # Errors
    /// A database error.
    pub async fn mark_read(
        &self,
        id: AccountId,
        up_to: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        self.stamped(move |tx, _| tx.mark_read(&id, up_to)).await
    }

    /// Sets or clears the mark that brings the user back to a conversation.
    ///
    /// # Errors
    /// A database error.
    pub async fn set_unread_mark(&self, id: AccountId, unread: bool) -> Result<(), CoreError> {
        self.change(move |tx| tx.set_unread_mark(&id, unread)).await
    }

    /// Tells the other side that a screenshot was taken, or that a file of the message sent at
    /// `saved` was kept.
    ///
    /// # Errors
    /// [`CoreError::OwnAccount`], or a database error.
    pub async fn tell_extraction(
        &self,
        to: AccountId,
        saved: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        self.stamped(move |tx, _| tx.tell_extraction(&to, saved, saved.is_none()))
            .await
    }

    /// Changes the name shown to others.
    ///
    /// # Errors
    /// [`CoreError::Build`] when it is empty or longer than 100 bytes.
    pub async fn set_name(&self, name: &str) -> Result<(), CoreError> {
        let name = name.trim().to_owned();
        self.change(move |tx| tx.set_name(&name)).await
    }

    /// The name shown to others; empty when none was chosen.
    ///
    /// # Errors
    /// A database error.
    pub async fn name(&self) -> Result<String, CoreError> {
        self.shared
            .model
            .call(|model| Ok(model.configs().profile.name()))
            .await
    }

    /// What this device tells others about its user.
    ///
    /// # Errors
    /// A database error.
    pub async fn settings(&self) -> Result<Settings, CoreError> {
        self.shared
            .model
            .call(|model| settings(model.store()))
            .await
    }

    /// Changes what this device tells others about its user.
    ///
    /// # Errors
    /// A database error.
    pub async fn set_settings(&self, settings: Settings) -> Result<(), CoreError> {
        self.change(move |tx| tx.set_settings(settings)).await
    }

    /// Where files and pictures sent from here are kept.
    #[must_use]
    pub fn file_server(&self) -> Option<FileServer> {
        self.shared.files_home.get()
    }

    /// Has files and pictures sent from now on kept elsewhere; nothing stands for the network's
    /// usual server. What others have been sent stays where it is.
    ///
    /// # Errors
    /// A database error.
    pub async fn set_file_server(&self, server: Option<FileServer>) -> Result<(), CoreError> {
        let text = server.as_ref().map(ToString::to_string);
        self.change(move |tx| tx.set_file_server(text.as_deref()))
            .await?;
        let usual = || self.shared.network.profile().usual_file_server();
        self.shared.files_home.set(server.or_else(usual));
        Ok(())
    }

    /// Tells the other side that the user types, or has stopped to; nothing happens when the
    /// settings or the other side do not want that. To be repeated every ten seconds.
    ///
    /// # Errors
    /// [`CoreError::Net`] when it could not be sent; it is not tried again.
    pub async fn typing(&self, to: AccountId, begins: bool) -> Result<(), CoreError> {
        let welcome = self
            .change(move |tx| {
                let contact = tx.contact(&to);
                let mutual = contact.approved && contact.approved_me && !contact.blocked;
                Ok(to != tx.own() && mutual && tx.settings()?.typing)
            })
            .await?;
        if !welcome {
            return Ok(());
        }
        let typing = if begins {
            Typing::Started
        } else {
            Typing::Stopped
        };
        send_unqueued(&self.shared, to, &Content::from(typing)).await
    }

    /// Tries a failed message again. False when it has not failed.
    ///
    /// # Errors
    /// A database error.
    pub async fn retry(&self, message: MessageId) -> Result<bool, CoreError> {
        self.change(move |tx| tx.retry(message)).await
    }

    /// Polls the own swarm once, after a poll that is under way: what was stored before this call
    /// is found.
    ///
    /// # Errors
    /// [`CoreError::Net`] when the network does not answer.
    pub async fn poll_now(&self) -> Result<PollSummary, CoreError> {
        let (answer, wait) = oneshot::channel();
        self.commands
            .send(Command::Poll(answer))
            .await
            .map_err(|_| CoreError::Stopped)?;
        wait.await.map_err(|_| CoreError::Stopped)?
    }

    /// One message.
    ///
    /// # Errors
    /// A database error.
    pub async fn message(&self, message: MessageId) -> Result<Option<MessageRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.message(message))
            .await
    }

    /// The newest `limit` messages of a conversation, oldest first.
    ///
    /// # Errors
    /// A database error.
    pub async fn history(&self, with: AccountId, limit: u32) -> Result<Vec<MessageRow>, CoreError> {
        self.shared
            .model
            .read(move |store| shown(store, store.history(&with, limit, None)?))
            .await
    }

    /// The emojis at messages, oldest first.
    ///
    /// # Errors
    /// A database error.
    pub async fn reactions(&self, messages: Vec<MessageId>) -> Result<Vec<ReactionRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.reactions(&messages))
            .await
    }

    /// All conversations, the one with the newest message first; also hidden ones and requests.
    ///
    /// # Errors
    /// A database error.
    pub async fn conversations(&self) -> Result<Vec<ConversationRow>, CoreError> {
        self.shared.model.read(|store| store.conversations()).await
    }

    /// One conversation.
    ///
    /// # Errors
    /// A database error.
    pub async fn conversation(&self, id: AccountId) -> Result<Option<ConversationRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.conversation(&id))
            .await
    }

    /// What views read with.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(&self.shared)
    }

    /// The 13 words that are the account. For the user's eyes only.
    #[must_use]
    pub fn recovery_password(&self) -> Zeroizing<String> {
        self.shared.keys.mnemonic()
    }

    /// The same in hexadecimal digits, as clients on phones take it from a QR code. For the user's
    /// eyes only.
    #[must_use]
    pub fn recovery_seed(&self) -> Zeroizing<String> {
        let keys = &self.shared.keys;
        let short = keys.seed16().map(<[u8; 16]>::as_slice);
        let seed = short.unwrap_or_else(|| keys.ed25519().seed().as_slice());
        let digit = |value: u8| char::from_digit(u32::from(value), 16);
        // Without growing: what is left behind would not be wiped.
        let mut text = Zeroizing::new(String::with_capacity(2 * seed.len()));
        text.extend(
            seed.iter()
                .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
                .flatten(),
        );
        text
    }

    /// Messages of a conversation, oldest first: at most `limit`, the newest or those just
    /// before a message.
    ///
    /// # Errors
    /// [`session_store::StoreError::UnknownMessage`], or a database error.
    pub async fn history_before(
        &self,
        with: AccountId,
        limit: u32,
        before: Option<MessageId>,
    ) -> Result<Vec<MessageRow>, CoreError> {
        self.shared
            .model
            .read(move |store| shown(store, store.history(&with, limit, before)?))
            .await
    }

    /// The newest messages that hold all words, of the last one at least the beginning.
    ///
    /// # Errors
    /// A database error.
    pub async fn search(
        &self,
        words: &str,
        within: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, CoreError> {
        let words = words.to_owned();
        self.shared
            .model
            .read(move |store| shown(store, store.search(&words, within.as_ref(), limit)?))
            .await
    }

    /// Deletes everything the own swarm holds, with the account's keys the only way to reach it.
    /// Returns how many of its members signed that they did. The database of this device stays.
    ///
    /// # Errors
    /// [`CoreError::Net`] when no member did it.
    pub async fn delete_from_swarm(&self) -> Result<usize, CoreError> {
        delete_from_swarm(&self.shared).await
    }

    /// One transaction.
    pub(super) async fn change<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<R, CoreError> + Send + 'static,
    {
        self.shared
            .model
            .write(self.shared.network.now(), work)
            .await
    }

    /// One transaction that gives out sent times; it is told whether the time is unsure.
    pub(super) async fn stamped<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Tx<'_>, bool) -> Result<R, CoreError> + Send + 'static,
    {
        let known = self.shared.network.learn_time_within(TIME_PATIENCE).await;
        self.change(move |tx| work(tx, !known)).await
    }
}

/// The messages without those that are deleted and can still be brought back.
fn shown(store: &Store, mut rows: Vec<MessageRow>) -> Result<Vec<MessageRow>, StoreError> {
    let undoable = undoable(store)?;
    rows.retain(|row| !undoable.contains_key(&row.id));
    Ok(rows)
}

/// Sends content that is worth nothing later.
async fn send_unqueued(shared: &Shared, to: AccountId, content: &Content) -> Result<(), CoreError> {
    let now = shared.network.now();
    let data = encode_direct(content, &shared.keys, &to, now, &mut rand::rng())?;
    let owner = SwarmPubkey::from(to);
    let ttl = content.ttl(false);
    shared
        .network
        .ask_swarm(owner, Purpose::Contact(to), |now, _member| {
            let store = StoreRequest::unsigned(owner, now, ttl, data.clone())?;
            Ok(Request::sequence(vec![Request::Store(store)])?)
        })
        .await?;
    Ok(())
}

async fn delete_from_swarm(shared: &Shared) -> Result<usize, CoreError> {
    use session_net::NetError;
    use session_storage_rpc::response::{DeletedAll, SwarmAnswer};
    let owner = SwarmPubkey::from(shared.id());
    let signed_at = std::sync::Mutex::new(None);
    let reply = shared
        .network
        .ask_swarm(owner, Purpose::OwnSwarm, |now, _member| {
            let signer = AccountSigner::new(shared.id(), shared.keys.ed25519());
            let request = DeleteAll::signed(&signer, NamespaceFilter::All, now);
            if let Ok(mut kept) = signed_at.lock() {
                *kept = Some(request.clone());
            }
            Ok(Request::sequence(vec![Request::DeleteAll(request)])?)
        })
        .await?;
    let request = signed_at.into_inner().ok().flatten();
    let answer = reply.results.first().ok_or(NetError::BadReply)?;
    let body = answer.success().map_err(NetError::from)?;
    let answer: SwarmAnswer<DeletedAll> =
        SwarmAnswer::from_json(body).map_err(|_| NetError::BadReply)?;
    let done = answer
        .successes()
        .filter(|(node, deleted)| {
            request
                .as_ref()
                .is_some_and(|request| deleted.verify(node, request).is_ok())
        })
        .count();
    if done == 0 {
        return Err(NetError::BadReply.into());
    }
    Ok(done)
}
