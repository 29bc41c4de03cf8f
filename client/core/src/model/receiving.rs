//! What the own swarm holds becomes messages, effects and settings (docs/protocol/client.md
//! sections 4.6 and 5).

use core::time::Duration;
use std::collections::BTreeSet;

use session_config::Incoming as ConfigMessage;
use session_messages::{
    Content, ContentKind, DataExtraction, Expiration, Incoming, Reaction, ReactionAction,
    VisibleMessage, decode_direct,
};
use session_storage_rpc::response::RetrievedMessage;
use session_store::{
    Arrival, Details, Effect, Invitation, LastHash, MessageKind, NewMessage, Preview, QuoteRef,
    ReceivedMessage,
};
use session_types::{AccountId, Namespace, Timestamp};

use super::configs::CONFIG_NAMESPACES;
use super::{Model, Tx};
use crate::CoreError;

/// A conversation deleted on one device stays deleted on the others: messages older than this
/// before the config that says so are not taken in (docs/protocol/client.md section 4.6 rule 9).
const GRACE: Duration = Duration::from_secs(120);

/// One element of a retrieve answer.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) namespace: Namespace,
    pub(crate) message: RetrievedMessage,
}

/// One that was not seen before, opened.
enum Opened {
    Config(Fetched),
    Message(Box<Incoming>, Arrival),
    /// Not for us, or not readable.
    Nothing,
}

impl Model {
    /// Takes in what a poll brought, and how far the node was read. Returns how many messages
    /// are new.
    ///
    /// Opening and checking signatures is done before the transaction begins.
    pub(crate) fn take_in(
        &mut self,
        fetched: Vec<Fetched>,
        last_hashes: &[LastHash],
        now: Timestamp,
    ) -> Result<(usize, super::Changes), CoreError> {
        let mut opened = Vec::new();
        let mut seen = Vec::new();
        for element in fetched {
            let namespace = element.namespace;
            let hash = element.message.hash.clone();
            if self.store.has_seen(namespace, &hash)? {
                continue;
            }
            seen.push((namespace, hash, element.message.expiration));
            opened.push(self.open_element(element));
        }
        self.write(now, |tx| {
            tx.merge_configs(&opened)?;
            for element in opened {
                if let Opened::Message(incoming, arrival) = element {
                    tx.take_message(*incoming, arrival)?;
                }
            }
            for (namespace, hash, expires_at) in &seen {
                tx.store.remember_seen(*namespace, hash, *expires_at)?;
            }
            for last in last_hashes {
                tx.store.set_last_hash(last)?;
            }
            let received = tx.changes.received.iter();
            Ok(received.filter(|row| row.kind.is_written()).count())
        })
    }

    fn open_element(&self, element: Fetched) -> Opened {
        if element.namespace != Namespace::DEFAULT {
            return Opened::Config(element);
        }
        let message = element.message;
        match decode_direct(&message.data, &self.keys) {
            Ok(incoming) => Opened::Message(
                Box::new(incoming),
                Arrival {
                    hash: Some(message.hash),
                    stored_at: message.timestamp,
                    expires_at: message.expiration,
                },
            ),
            Err(error) => {
                if !error.is_quiet() {
                    tracing::debug!(%error, "a stored message cannot be read");
                }
                Opened::Nothing
            }
        }
    }
}

impl Tx<'_> {
    /// Brings the configs together with what other devices stored, namespace by namespace.
    fn merge_configs(&mut self, opened: &[Opened]) -> Result<(), CoreError> {
        for namespace in CONFIG_NAMESPACES {
            let elements: Vec<_> = opened
                .iter()
                .filter_map(|element| match element {
                    Opened::Config(config) if config.namespace == namespace => Some(config),
                    _ => None,
                })
                .collect();
            if elements.is_empty() {
                continue;
            }
            let incoming: Vec<_> = elements
                .iter()
                .map(|config| ConfigMessage {
                    hash: config.message.hash.as_str(),
                    data: &config.message.data,
                })
                .collect();
            let before: Vec<AccountId> = self.configs.contacts.iter().map(|c| c.id).collect();
            let merged = match self.configs.merge(namespace, &incoming, self.now) {
                Ok(merged) => merged,
                Err(error) => {
                    tracing::debug!(%namespace, %error, "no config message could be read");
                    continue;
                }
            };
            if !merged.changed {
                continue;
            }
            let newest = elements
                .iter()
                .filter(|config| merged.accepted.contains(config.message.hash.as_str()))
                .map(|config| config.message.timestamp)
                .max();
            if let Some(newest) = newest {
                self.store.config_stored_at(namespace, newest)?;
            }
            self.adopt(namespace, &before)?;
        }
        Ok(())
    }

    /// The database follows a config that is another one now.
    fn adopt(&mut self, namespace: Namespace, before: &[AccountId]) -> Result<(), CoreError> {
        match namespace {
            Namespace::USER_PROFILE => self.adopt_profile(),
            Namespace::CONTACTS => {
                for id in before {
                    if self.configs.contacts.get(id).is_none() {
                        self.forget(id)?;
                    }
                }
                let now: Vec<_> = self.configs.contacts.iter().collect();
                for contact in now {
                    let known = self.store.conversation_settings(&contact.id)?;
                    let was_shown = known.is_none_or(|known| known.priority >= 0);
                    if contact.priority < 0 && was_shown {
                        // The conversation was deleted on another device.
                        self.store.clear_conversation(&contact.id, self.now)?;
                        self.touch(contact.id);
                    }
                    self.project(contact.id)?;
                    self.adopt_read_state(&contact.id)?;
                }
                Ok(())
            }
            Namespace::CONVO_INFO_VOLATILE => {
                let mut ids: BTreeSet<AccountId> = BTreeSet::new();
                for (name, _) in self.configs.reads.iter() {
                    if let session_config::Conversation::Account(id) = name {
                        ids.insert(id);
                    }
                }
                // Also those whose entry another device took away.
                let shown = self.store.conversations()?;
                ids.extend(shown.iter().map(session_store::ConversationRow::id));
                for id in ids {
                    self.adopt_read_state(&id)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One message of somebody, or of another own device.
    fn take_message(&mut self, incoming: Incoming, arrival: Arrival) -> Result<(), CoreError> {
        let own = self.own();
        let from_self = incoming.sender == own;
        let other_side = *incoming.conversation();
        if !from_self && self.contact(&incoming.sender).blocked {
            return Ok(());
        }
        if !from_self && let Some(profile) = incoming.content.profile() {
            // Of a stranger, only what is shown counts as an introduction.
            let introduces = matches!(incoming.content.kind(), ContentKind::Visible(_));
            let known = self.configs.contacts.get(&incoming.sender).is_some();
            if known || (introduces && !self.is_deleted(&other_side, incoming.sent_at)?) {
                self.apply_profile(&incoming.sender, profile)?;
            }
        }
        let Incoming {
            sender,
            sent_at,
            content,
            ..
        } = incoming;
        match content.kind() {
            ContentKind::Visible(visible) => {
                let message = new_message(visible, &content);
                self.take_written(sender, other_side, sent_at, message, &content, arrival)
            }
            ContentKind::TimerUpdate => {
                let message = NewMessage {
                    expiration: content.expiration(),
                    ..NewMessage::notice(MessageKind::TimerChange)
                };
                self.take_written(sender, other_side, sent_at, message, &content, arrival)
            }
            // Nobody else has anything of ours to keep.
            ContentKind::DataExtraction(_) if !self.contact(&sender).approved => Ok(()),
            ContentKind::DataExtraction(notice) => {
                let (kind, saved) = match notice {
                    DataExtraction::Screenshot => (MessageKind::Screenshot, None),
                    DataExtraction::MediaSaved { sent_at } => (MessageKind::MediaSaved, *sent_at),
                };
                let message = NewMessage {
                    details: Details {
                        saved,
                        ..Details::default()
                    },
                    expiration: content.expiration(),
                    ..NewMessage::notice(kind)
                };
                self.take_written(sender, other_side, sent_at, message, &content, arrival)
            }
            ContentKind::Reaction(reaction) => self.take_reaction(sender, sent_at, reaction),
            ContentKind::Receipt(receipt) => {
                for time in receipt.times() {
                    let effect = Effect::Receipt;
                    self.apply(&own, *time, &sender, &effect, sent_at)?;
                }
                Ok(())
            }
            ContentKind::Typing(typing) => {
                if self.contact(&sender).approved {
                    let begins = *typing == session_messages::Typing::Started;
                    self.changes.typing.push((sender, begins));
                }
                Ok(())
            }
            ContentKind::RequestResponse(_) => {
                if from_self || self.is_deleted(&sender, sent_at)? {
                    return Ok(());
                }
                self.accepted_by(sender, sent_at)
            }
            ContentKind::Unsend(request) => self.unsent(&sender, request),
            // Calls and groups are not spoken yet.
            _ => Ok(()),
        }
    }

    /// A message to be shown.
    fn take_written(
        &mut self,
        sender: AccountId,
        other_side: AccountId,
        sent_at: Timestamp,
        message: NewMessage,
        content: &Content,
        arrival: Arrival,
    ) -> Result<(), CoreError> {
        let own = self.own();
        let outgoing = sender == own;
        if self.is_deleted(&other_side, sent_at)? {
            return Ok(());
        }
        if outgoing {
            self.wrote_elsewhere(&other_side, sent_at, &message)?;
        } else if message.kind.is_written() {
            self.written_by(sender, sent_at)?;
        }
        let known = self.store.conversation_settings(&other_side)?;
        let last_read = known.map(|known| known.last_read).unwrap_or_default();
        let unread = !outgoing && sent_at > last_read;
        let disappears_at = self.disappears_at(&message, &arrival, outgoing, unread);
        let mention = format!("@{}", own.to_hex());
        let visible = match content.kind() {
            ContentKind::Visible(visible) => Some(visible),
            _ => None,
        };
        let shows_all = visible.is_none_or(|visible| visible.unreadable_attachments() == 0);
        let received = ReceivedMessage {
            sender,
            conversation: other_side,
            sent_at,
            outgoing,
            mentions_me: !outgoing && message.body.contains(&mention),
            unread,
            disappears_at,
            content: if shows_all {
                Vec::new()
            } else {
                content.encode(sent_at)
            },
            message,
            arrival,
        };
        let Some(row) = self.store.take_in(&received)? else {
            // The copy of what this device sent, now with its name in the own swarm.
            self.touch(other_side);
            return Ok(());
        };
        if let Some(visible) = visible
            && row.kind != MessageKind::Deleted
        {
            self.take_files(&row, visible)?;
        }
        if disappears_at.is_some() {
            self.changes.disappearing = true;
        } else if !unread && !outgoing && matches!(row.expiration, Expiration::AfterRead(_)) {
            // Read already, and nobody has told the swarm.
            self.start_timer(row.id, row.expiration, row.hash.as_ref())?;
        }
        self.project(other_side)?;
        self.touch(other_side);
        self.changes.received.push(row);
        Ok(())
    }

    /// When a message that arrives disappears, if that is fixed (docs/protocol/client.md
    /// section 5.6 rules 3 and 6).
    fn disappears_at(
        &self,
        message: &NewMessage,
        arrival: &Arrival,
        outgoing: bool,
        unread: bool,
    ) -> Option<Timestamp> {
        let timer = message.expiration.timer()?;
        match message.expiration {
            Expiration::Off => None,
            Expiration::AfterSend(_) => Some(arrival.expires_at),
            Expiration::AfterRead(_) if outgoing => Some(arrival.expires_at),
            Expiration::AfterRead(_) if unread => None,
            Expiration::AfterRead(_) => {
                (arrival.expires_at <= self.now.plus(timer)).then_some(arrival.expires_at)
            }
        }
    }

    /// Whether a conversation was deleted on another device after this was written.
    fn is_deleted(&self, other_side: &AccountId, sent_at: Timestamp) -> Result<bool, CoreError> {
        let (namespace, gone) = if *other_side == self.own() {
            let hidden = self.configs.profile.note_to_self_priority() < 0;
            (Namespace::USER_PROFILE, hidden)
        } else {
            let contact = self.configs.contacts.get(other_side);
            let gone = contact.is_none_or(|contact| contact.priority < 0);
            (Namespace::CONTACTS, gone)
        };
        if !gone {
            return Ok(false);
        }
        let saved = self.store.config(namespace)?;
        let told_at = saved.map(|saved| saved.stored_at).unwrap_or_default();
        Ok(sent_at <= told_at.minus(GRACE))
    }

    /// Somebody wrote: they accept us.
    fn written_by(&mut self, sender: AccountId, sent_at: Timestamp) -> Result<(), CoreError> {
        self.accepted_by(sender, sent_at)?;
        if self.contact(&sender).priority < 0 {
            self.set_priority(&sender, 0)?;
        }
        Ok(())
    }

    /// The other side accepts us; told once when we had asked.
    fn accepted_by(&mut self, sender: AccountId, sent_at: Timestamp) -> Result<(), CoreError> {
        let contact = self.contact(&sender);
        if contact.approved_me {
            return Ok(());
        }
        self.edit_contact(&sender, |contact| contact.approved_me = true)?;
        if contact.approved {
            // Just before the message that says so, on every device at the same time.
            let notice = ReceivedMessage {
                sender,
                conversation: sender,
                sent_at: sent_at.minus(Duration::from_millis(1)),
                outgoing: false,
                message: NewMessage::notice(MessageKind::RequestAccepted),
                arrival: Arrival::default(),
                unread: false,
                mentions_me: false,
                disappears_at: None,
                content: Vec::new(),
            };
            if let Some(row) = self.store.take_in(&notice)? {
                self.changes.received.push(row);
            }
        }
        self.touch(sender);
        Ok(())
    }

    /// The user wrote at another device.
    fn wrote_elsewhere(
        &mut self,
        other_side: &AccountId,
        sent_at: Timestamp,
        message: &NewMessage,
    ) -> Result<(), CoreError> {
        if *other_side == self.own() {
            if self.configs.profile.note_to_self_priority() < 0 {
                self.set_priority(other_side, 0)?;
            }
        } else {
            self.edit_contact(other_side, |contact| {
                contact.approved = true;
                if message.kind.is_written() {
                    contact.priority = contact.priority.max(0);
                }
            })?;
        }
        self.read_elsewhere(other_side, sent_at)
    }

    fn take_reaction(
        &mut self,
        sender: AccountId,
        sent_at: Timestamp,
        reaction: &Reaction,
    ) -> Result<(), CoreError> {
        // Blinded authors are of communities.
        let Ok(author) = AccountId::try_from(reaction.author()) else {
            return Ok(());
        };
        let effect = Effect::Reaction {
            emoji: reaction.emoji.as_str().to_owned(),
            present: reaction.action == ReactionAction::React,
        };
        self.apply(&author, reaction.sent_at(), &sender, &effect, sent_at)
    }

    fn apply(
        &mut self,
        author: &AccountId,
        message: Timestamp,
        sender: &AccountId,
        effect: &Effect,
        at: Timestamp,
    ) -> Result<(), CoreError> {
        let changed = self
            .store
            .apply_effect(author, message, sender, effect, at)?;
        if let Some(id) = changed {
            let conversation = self.message(id)?.conversation;
            self.touch(conversation);
        }
        Ok(())
    }
}

/// What a visible message says.
fn new_message(visible: &VisibleMessage, content: &Content) -> NewMessage {
    let quote = visible.quote().and_then(|quote| {
        Some(QuoteRef {
            author: AccountId::try_from(quote.author()).ok()?,
            sent_at: quote.sent_at(),
        })
    });
    let preview = visible.preview().map(|preview| Preview {
        url: preview.url().to_owned(),
        title: preview.title().map(str::to_owned),
    });
    let invitation = visible.community_invitation().map(|invitation| Invitation {
        url: invitation.url().to_owned(),
        name: invitation.name().to_owned(),
    });
    let kind = if invitation.is_some() {
        MessageKind::Invitation
    } else {
        MessageKind::Text
    };
    NewMessage {
        kind,
        body: visible
            .body()
            .map(|body| body.as_str().to_owned())
            .unwrap_or_default(),
        details: Details {
            quote,
            preview,
            invitation,
            attachments: visible.attachments().len() + visible.unreadable_attachments(),
            saved: None,
        },
        expiration: content.expiration(),
    }
}
