//! What must be equal on all devices of an account.

use std::collections::BTreeMap;

use session_store::{MessageKind, MessageRow};
use session_types::{AccountId, Timestamp};

use super::{Actor, DEADLINE};

/// One conversation as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    name: String,
    nickname: String,
    approved: bool,
    approved_me: bool,
    blocked: bool,
    priority: i32,
    muted_until: u64,
    timer: String,
    marked_unread: bool,
    unread: u32,
    messages: Vec<String>,
}

/// Everything an account agrees on across its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    name: String,
    conversations: BTreeMap<AccountId, Seen>,
}

/// What is left of a message that was deleted for everyone.
const DELETED: &str = "(deleted)";

impl State {
    /// The same for a device that comes too late to know of deleted messages.
    pub(crate) fn without_deleted(&self) -> Self {
        let mut state = self.clone();
        for seen in state.conversations.values_mut() {
            seen.messages.retain(|line| !line.contains(DELETED));
        }
        state
    }
}

/// One message in one line.
fn line(row: &MessageRow, reactions: &[String]) -> String {
    let what = match row.kind {
        MessageKind::Deleted => DELETED.to_owned(),
        _ => row.body.clone(),
    };
    let quote = row
        .details
        .quote
        .map(|quote| format!(" answering {}", quote.sent_at.as_ms()))
        .unwrap_or_default();
    format!(
        "{} {}: {what}{quote} {} {:?}",
        row.sent_at.as_ms(),
        row.sender.short(),
        reactions.join(" "),
        row.expiration,
    )
}

impl Actor {
    /// What this device shows. Conversations that are hidden and empty count as not there.
    pub(crate) async fn state(&self) -> State {
        let account = self.account();
        let mut conversations = BTreeMap::new();
        for row in account.conversations().await.unwrap() {
            let settings = &row.settings;
            let mut rows = self.timeline(settings.id).await;
            // Which notices a device shows depends on what it learned first.
            rows.retain(|row| row.kind.is_written() || row.kind == MessageKind::Deleted);
            if rows.is_empty() && settings.priority < 0 {
                continue;
            }
            let ids = rows.iter().map(|row| row.id).collect();
            let reactions = account.reactions(ids).await.unwrap();
            let mut messages: Vec<_> = rows
                .iter()
                .map(|row| {
                    let mut of_row: Vec<String> = reactions
                        .iter()
                        .filter(|reaction| reaction.message == row.id)
                        .map(|reaction| format!("{}{}", reaction.emoji, reaction.author.short()))
                        .collect();
                    of_row.sort();
                    line(row, &of_row)
                })
                .collect();
            messages.sort();
            conversations.insert(
                settings.id,
                Seen {
                    name: settings.name.clone(),
                    nickname: settings.nickname.clone(),
                    approved: settings.approved,
                    approved_me: settings.approved_me,
                    blocked: settings.blocked,
                    priority: settings.priority,
                    muted_until: settings.muted_until,
                    timer: format!("{:?}", settings.expiration),
                    marked_unread: settings.marked_unread,
                    unread: row.unread,
                    messages,
                },
            );
        }
        State {
            name: account.name().await.unwrap(),
            conversations,
        }
    }

    /// Waits until this device shows what another one did, but for what is left of deleted
    /// messages.
    pub(crate) async fn until_state(&self, expected: &State) {
        let expected = &expected.without_deleted();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let found = self.state().await.without_deleted();
            if found == *expected {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                differences(expected, &found);
                panic!("{} does not show what it should", self.name());
            }
            tokio::time::sleep(core::time::Duration::from_millis(50)).await;
        }
    }

    /// Waits until something about this device holds.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut check: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let what = format!("{}: {what}", self.name());
        self.log().until_state(&what, async || check().await).await
    }

    /// The conversation with somebody, once there is one that passes.
    pub(crate) async fn until_conversation(
        &self,
        with: AccountId,
        what: &str,
        passes: impl Fn(&session_store::ConversationRow) -> bool,
    ) -> session_store::ConversationRow {
        self.until(what, async || {
            let row = self.account().conversation(with).await.unwrap()?;
            passes(&row).then_some(row)
        })
        .await
    }

    /// The message of somebody sent at this time, once there is one that passes.
    pub(crate) async fn until_message(
        &self,
        with: AccountId,
        sent_at: Timestamp,
        what: &str,
        passes: impl Fn(&MessageRow) -> bool,
    ) -> MessageRow {
        self.until(what, async || {
            let rows = self.timeline(with).await;
            let row = rows.into_iter().find(|row| row.sent_at == sent_at)?;
            passes(&row).then_some(row)
        })
        .await
    }

    /// The emojis at a message, each with who put it there, once they are these.
    pub(crate) async fn until_reactions(
        &self,
        message: session_store::MessageId,
        expected: &[(&str, AccountId)],
    ) {
        let mut wanted: Vec<_> = expected
            .iter()
            .map(|(emoji, author)| ((*emoji).to_owned(), *author))
            .collect();
        wanted.sort();
        self.until(&format!("the reactions {expected:?}"), async || {
            let found = self.account().reactions(vec![message]).await.unwrap();
            let mut found: Vec<_> = found.into_iter().map(|r| (r.emoji, r.author)).collect();
            found.sort();
            (found == wanted).then_some(())
        })
        .await;
    }
}

/// Prints what one state has and the other has not.
fn differences(expected: &State, found: &State) {
    let [expected, found] = [expected, found].map(|state| {
        let text = format!("{state:#?}");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    for line in expected.iter().filter(|line| !found.contains(line)) {
        eprintln!("- {line}");
    }
    for line in found.iter().filter(|line| !expected.contains(line)) {
        eprintln!("+ {line}");
    }
}

/// Waits until devices of one account show the same. Returns what they show.
pub(crate) async fn until_equal(devices: &[&Actor]) -> State {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let mut states = Vec::new();
        for device in devices {
            // A device that was away while a message was written and deleted never knew of it.
            states.push(device.state().await.without_deleted());
        }
        let first = states.first().expect("a device").clone();
        if states.iter().all(|state| *state == first) {
            return first;
        }
        if tokio::time::Instant::now() > deadline {
            for (device, state) in devices.iter().zip(&states) {
                eprintln!("{}, other than {}:", device.name(), devices[0].name());
                differences(&first, state);
            }
            panic!("the devices do not agree");
        }
        for device in devices {
            // A poll that fails is repeated.
            let _ = device.account().poll_now().await;
        }
        tokio::time::sleep(core::time::Duration::from_millis(50)).await;
    }
}
