//! A message as people and machines read it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use session_messages::Expiration;
use session_store::{
    FileRow, MessageKind, MessageRow, MessageState, ReactionRow, Store, StoreError,
};
use session_types::{AccountId, Timestamp};

use crate::cli::Counted;
use crate::commands::save::{describe, file_object};
use crate::output::{Output, printable, wall_time};
use crate::who::Person;

/// Characters of a message that is quoted or mentioned.
const EXCERPT: usize = 60;
/// Digits of an Account ID.
const ACCOUNT_ID: usize = 66;

/// A message and the emojis at it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) row: MessageRow,
    pub(crate) reactions: Vec<ReactionRow>,
}

/// Says things about messages; knows who is who.
pub(crate) struct Teller<'a> {
    store: &'a Store,
    names: BTreeMap<AccountId, String>,
    now: Timestamp,
    dates: bool,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(store: &'a Store, now: Timestamp) -> Self {
        Self {
            store,
            names: BTreeMap::new(),
            now,
            dates: false,
        }
    }

    /// Every time with its date, for what is read later.
    pub(crate) fn with_dates(mut self) -> Self {
        self.dates = true;
        self
    }

    fn time(&self, at: Timestamp) -> String {
        let today = if self.dates {
            Timestamp::default()
        } else {
            self.now
        };
        wall_time(at, today)
    }

    /// Adds the emojis.
    pub(crate) fn with_reactions(&self, rows: Vec<MessageRow>) -> Result<Vec<Shown>, StoreError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let mut reactions = self.store.reactions(&ids)?;
        let shown = rows.into_iter().map(|row| {
            let (here, others) = core::mem::take(&mut reactions)
                .into_iter()
                .partition(|reaction| reaction.message == row.id);
            reactions = others;
            Shown {
                row,
                reactions: here,
            }
        });
        Ok(shown.collect())
    }

    /// What to call somebody: `you` for oneself.
    pub(crate) fn name(&mut self, id: AccountId) -> String {
        if id == self.store.account_id() {
            return "you".to_owned();
        }
        let store = self.store;
        let name = self.names.entry(id).or_insert_with(|| {
            // Who cannot be looked up has at least an id.
            Person::find(store, id).map_or_else(|_| id.short(), |person| person.called())
        });
        name.clone()
    }

    /// `Bob`, or `Note to Self`.
    pub(crate) fn conversation(&mut self, id: AccountId) -> String {
        if id == self.store.account_id() {
            "Note to Self".to_owned()
        } else {
            self.name(id)
        }
    }

    /// The message in lines: where it stands and its words, what it answers, the emojis.
    /// `place`: with the conversation, when messages of several are mixed.
    pub(crate) fn lines(&mut self, shown: &Shown, place: bool, output: Output) -> Vec<String> {
        let row = &shown.row;
        let mut who = self.name(row.sender);
        if place && row.outgoing {
            who = format!("{who} → {}", self.conversation(row.conversation));
        }
        let text = match self.notice(row) {
            Some(notice) => output.faint(&notice),
            None => indented(&self.body(row)),
        };
        let mut lines = Vec::new();
        if let Some((from, quoted)) = self.quoted(row) {
            lines.push(output.faint(&format!("        ↪ {from}: {quoted}")));
        }
        lines.push(format!(
            "{} {} {}{}: {text}",
            output.faint(&format!("{:>6}", row.id.to_string())),
            output.faint(&self.time(row.sent_at)),
            output.bold(&who),
            self.standing(row, output),
        ));
        if !shown.reactions.is_empty() {
            lines.push(format!("        {}", self.reactions(&shown.reactions)));
        }
        lines
    }

    /// The same for machines.
    pub(crate) fn object(&self, shown: &Shown) -> Value {
        let row = &shown.row;
        let reactions: Vec<_> = shown
            .reactions
            .iter()
            .map(|reaction| {
                json!({
                    "emoji": reaction.emoji,
                    "from": reaction.author,
                    "sent_ms": reaction.sent_at,
                })
            })
            .collect();
        let quote = row.details.quote.map(|quote| {
            let found = self.original(row).ok().flatten();
            json!({
                "from": quote.author,
                "sent_ms": quote.sent_at,
                "message_id": found.as_ref().map(|row| row.id),
                "file": found.as_ref().and_then(|row| self.files(row).first().map(file_object)),
                "text": found.map(|row| row.body),
            })
        });
        json!({
            "message_id": row.id,
            "conversation": row.conversation,
            "from": row.sender,
            "outgoing": row.outgoing,
            "kind": row.kind,
            "text": row.body,
            "sent_ms": row.sent_at,
            "hash": row.hash,
            "expires_ms": row.expires_at,
            "delivery": row.state,
            "read_ms": row.read_at,
            "unread": row.unread,
            "mentions_you": row.mentions_me,
            "disappears_ms": row.disappears_at,
            "timer": timer_object(row.expiration),
            "quote": quote,
            "preview": row.details.preview,
            "reactions": reactions,
            "attachments": row.details.attachments,
            "files": self.files(row).iter().map(file_object).collect::<Vec<_>>(),
            "invitation": row.details.invitation,
        })
    }

    /// The beginning of a message in one line.
    pub(crate) fn excerpt(&mut self, row: &MessageRow) -> String {
        let text = self.notice(row).unwrap_or_else(|| self.body(row));
        let mut words = String::new();
        for (count, c) in text.chars().enumerate() {
            if count == EXCERPT {
                words.push('…');
                break;
            }
            words.push(if c == '\n' || c == '\t' { ' ' } else { c });
        }
        words
    }

    /// `👍 Bob, you  ❤️ Bob`
    fn reactions(&mut self, reactions: &[ReactionRow]) -> String {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for reaction in reactions {
            let name = self.name(reaction.author);
            match groups
                .iter_mut()
                .find(|(emoji, _)| *emoji == reaction.emoji)
            {
                Some((_, names)) => names.push(name),
                None => groups.push((&reaction.emoji, vec![name])),
            }
        }
        let groups = groups
            .into_iter()
            .map(|(emoji, names)| format!("{} {}", printable(emoji), names.join(", ")));
        groups.collect::<Vec<_>>().join("  ")
    }

    fn standing(&self, row: &MessageRow, output: Output) -> String {
        let mut notes = Vec::new();
        match &row.state {
            MessageState::Sending => notes.push("queued".to_owned()),
            MessageState::Failed { reason } => notes.push(format!("not sent: {reason}")),
            _ => {}
        }
        if row.read_at.is_some() {
            notes.push("read".to_owned());
        }
        if row.mentions_me {
            notes.push("mentions you".to_owned());
        }
        if let Some(at) = row.disappears_at {
            notes.push(format!("disappears {}", self.time(at)));
        }
        if notes.is_empty() {
            return String::new();
        }
        output.faint(&format!(" ({})", notes.join(", ")))
    }

    /// The words, with names for Account IDs that are mentioned.
    fn body(&mut self, row: &MessageRow) -> String {
        let mut text = String::new();
        let mut parts = row.body.split('@');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let id = part.get(..ACCOUNT_ID).and_then(|id| id.parse().ok());
            match (id, part.get(ACCOUNT_ID..)) {
                (Some(id), Some(rest)) => {
                    text.push_str(&format!("@{}{rest}", self.name(id)));
                }
                _ => {
                    text.push('@');
                    text.push_str(part);
                }
            }
        }
        let mut text = printable(text.trim_start());
        // Of none that cannot be looked up nothing is said.
        for file in self.files(row) {
            let gap = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{gap}[{}]", describe(&file)));
        }
        text
    }

    fn files(&self, row: &MessageRow) -> Vec<FileRow> {
        let found = (row.details.attachments > 0).then(|| self.store.files_of(row.id));
        found.and_then(Result::ok).unwrap_or_default()
    }

    fn original(&self, row: &MessageRow) -> Result<Option<MessageRow>, StoreError> {
        match &row.details.quote {
            Some(quote) => self.store.message_by_sender(&quote.author, quote.sent_at),
            None => Ok(None),
        }
    }

    /// Who wrote what a message answers, and its first words.
    fn quoted(&mut self, row: &MessageRow) -> Option<(String, String)> {
        let quote = row.details.quote?;
        let words = match self.original(row).ok().flatten() {
            Some(original) => self.excerpt(&original),
            None => "(a message that is not here)".to_owned(),
        };
        Some((self.name(quote.author), words))
    }

    /// What a message without words of its writer says.
    fn notice(&self, row: &MessageRow) -> Option<String> {
        let notice = match row.kind {
            MessageKind::Text => return None,
            MessageKind::TimerChange => timer_text(row.expiration),
            MessageKind::Invitation => {
                let invitation = row.details.invitation.as_ref()?;
                let (name, url) = (printable(&invitation.name), printable(&invitation.url));
                format!("an invitation to {name}: {url}")
            }
            MessageKind::RequestAccepted => "accepted the message request".to_owned(),
            MessageKind::Screenshot => "took a screenshot".to_owned(),
            MessageKind::MediaSaved => "saved a file".to_owned(),
            MessageKind::Deleted => "deleted this message".to_owned(),
        };
        Some(notice)
    }
}

/// When messages disappear, in words.
pub(crate) fn timer_text(expiration: Expiration) -> String {
    let in_words = |seconds: core::num::NonZeroU32| Counted {
        seconds: seconds.get(),
    };
    match expiration {
        Expiration::Off => "messages no longer disappear".to_owned(),
        Expiration::AfterRead(seconds) => {
            format!(
                "messages disappear {} after they were read",
                in_words(seconds)
            )
        }
        Expiration::AfterSend(seconds) => {
            format!(
                "messages disappear {} after they were sent",
                in_words(seconds)
            )
        }
    }
}

/// The same for machines.
pub(crate) fn timer_object(expiration: Expiration) -> Value {
    match expiration {
        Expiration::Off => Value::Null,
        Expiration::AfterRead(seconds) => json!({ "after": "read", "seconds": seconds }),
        Expiration::AfterSend(seconds) => json!({ "after": "send", "seconds": seconds }),
    }
}

/// Further lines of a message cannot be taken for messages.
fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}
