//! Commands about one person or conversation: what they change is small and alike.

mod block;
mod contact;
mod conversation;
mod mute;
mod nickname;
mod pin;
mod read;

use std::process::ExitCode;

use crate::accounts;
use crate::cli::{ChangeWait, Global, Who};
use crate::output::Output;
use crate::who::{self, Person};
use crate::work::{Done, Work};

pub(crate) use block::block;
pub(crate) use contact::contact;
pub(crate) use conversation::conversation;
pub(crate) use mute::{mute, unmute};
pub(crate) use nickname::nickname;
pub(crate) use pin::pin;
pub(crate) use read::read;

/// Whether there must be a conversation already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Required,
    Optional,
}

/// Finds the person, does `change`, and tells the network.
async fn change(
    global: &Global,
    (who, known): (&Who, Known),
    wait: ChangeWait,
    output: &Output,
    change: impl AsyncFnOnce(&Work, &Person) -> anyhow::Result<Done>,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let person = match known {
        Known::Required => who::known_person(&store, who)?,
        Known::Optional => who::person(&store, who)?,
    };
    let work = Work::start(global, unlocked, store).await?;
    let done = change(&work, &person).await?;
    work.conclude(done.about(person.id), wait, output).await
}
